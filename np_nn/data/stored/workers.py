"""Processes that compute the shards of a set, in order and in bounded memory."""

import signal
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
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

    tasks, kernels = iter(tasks), "auto" if ops.active else "numpy"
    # No copies of arrays in temporary files, and no Ctrl-C within joblib, which may then hang.
    with Interrupts() as interrupts, Parallel(jobs, max_nbytes=None) as parallel:
        with _held_interrupts():  # start the processes
            parallel(delayed(abs)(0) for _ in range(jobs))
        while group := list(islice(tasks, GROUP * jobs)):
            try:
                results = parallel(delayed(_run)(kernels, work, task) for task in group)
            except BrokenExecutor:
                raise NpNNError(
                    "store: a process was killed, perhaps for want of memory; the same command "
                    "continues where this one ended, and fewer jobs take less"
                ) from None
            if interrupts.seen:
                raise KeyboardInterrupt
            yield from results


def _run(kernels, work, task):
    ops.use(kernels)
    return work(*task)


@contextmanager
def _held_interrupts():
    """Hold back Ctrl-C in a ``with`` block, and for ever in the processes that start in it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
