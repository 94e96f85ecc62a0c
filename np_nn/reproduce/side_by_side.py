"""Networks trained side by side, each in a process of its own."""

import multiprocessing
import os
import signal
import threading
from contextlib import contextmanager, suppress
from multiprocessing import connection, resource_tracker

from np_nn import cli
from np_nn.reproduce.trainer import Trainer


def train(due, jobs, raw, args, begin):
    """Yield (recipe, seed, result) of each network as it is finished.

    A process that is killed costs the network that it trained, whose result says so. When the
    iteration ends, also by an error or by Ctrl-C, all processes are ended.

    Args:
        due: (recipe, seed) of each network.
        jobs: number of processes.
        raw: {name: Dataset}, as read.
        args: arguments of the program, with the thread count of one process.
        begin: function (recipe, seed), called when the training of a network begins.
    """
    waiting, idle, busy = list(due), [], {}
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                worker = idle.pop() if idle else Worker(raw, args)
                task = waiting.pop(0)
                worker.send(task)
                busy[worker.pipe] = worker, task
                begin(*task)
            for pipe in connection.wait(list(busy)):
                worker, (recipe, seed) = busy.pop(pipe)
                result = worker.receive()
                if result is None:
                    result = {"seed": seed, "error": worker.fate()}
                else:
                    idle.append(worker)
                yield recipe, seed, result
    finally:
        for worker in [*idle, *(worker for worker, _ in busy.values())]:
            worker.process.kill()
            worker.process.join()


class Worker:
    """Process that trains the networks it is sent, one after another."""

    def __init__(self, raw, args):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, args), daemon=True)
        with _interrupts_deferred():
            self.process.start()
        theirs.close()
        self.send(raw)

    def send(self, message):
        """Send a message; whether the process has ended is seen when its answer is received."""
        with suppress(OSError):
            self.pipe.send(message)

    def receive(self):
        """Return the result of a network, or None if the process has ended."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            return None

    def fate(self):
        """Describe in one line how the process has ended."""
        self.process.join()
        code = self.process.exitcode
        how = f"was killed (signal {-code})" if code < 0 else f"ended (status {code})"
        return f"its process {how}; if memory ran out, use fewer --jobs"


@contextmanager
def _interrupts_deferred():
    """Defer Ctrl-C in a ``with`` block, and keep it from the processes that start there.

    A terminal sends it to every process, but the main one alone ends the others. Windows, which
    defers none, shows the traceback of a process that is interrupted while it starts.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # its start would end the deferral
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe, args):
    """Train the networks that the pipe names, until the main process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for Windows
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cli.use(args)
    with suppress(EOFError, OSError):
        trainer = Trainer(pipe.recv(), args)
        while True:
            pipe.send(trainer(*pipe.recv()))


def _end_with_parent():
    """End this process at once when the main process has ended, however it ended."""
    multiprocessing.parent_process().join()
    os._exit(1)
