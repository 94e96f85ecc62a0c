"""Processes that compute the shards of a set, in order and in bounded memory."""

import signal
from concurrent.futures import BrokenExecutor
from itertools import islice

from np_nn import ops
from np_nn.utils.errors import NpNNError
from np_nn.utils.interrupts import Interrupts

GROUP = 2  # tasks per process that are computed before any result is used


def in_order(work, tasks, jobs):
    """Yield work(*task) for each task, in their order.

    Args:
        work: function; with several jobs, one that can be pickled.
        tasks: iterable of tuples, the arguments.
        jobs: number of processes; 1: this one.

    Raises:
        NpNNError: if a process is killed, and the errors of `work`.
    """
    if jobs == 1:
        yield from (work(*task) for task in tasks)
        return
    from joblib import Parallel, delayed

    # No copies of arrays in temporary files, and no Ctrl-C within joblib, which may then hang.
    options = {
        "max_nbytes": None,
        "initializer": _begin,
        "initargs": ("auto" if ops.active else "numpy",),
    }
    tasks = iter(tasks)
    with Interrupts() as interrupts, Parallel(jobs, **options) as parallel:
        while group := list(islice(tasks, GROUP * jobs)):
            try:
                results = parallel(delayed(work)(*task) for task in group)
            except BrokenExecutor:
                if interrupts.seen:  # by a process that was only starting
                    raise KeyboardInterrupt from None
                raise NpNNError(
                    "store: a process was killed, perhaps for want of memory; the same command "
                    "continues where this one ended, and fewer jobs take less"
                ) from None
            if interrupts.seen:
                raise KeyboardInterrupt
            yield from results


def _begin(kernels):
    """Prepare a process: Ctrl-C, which reaches all of them, is for the program to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ops.use(kernels)
