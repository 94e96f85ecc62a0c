"""Decoding of many image files at once: by this process, and by one more for each further core.

Pillow holds Python's lock for most of the time that a small image takes, so threads do not help;
a fork would copy locks that other threads hold, and ``multiprocessing`` imports the user's program
again. Each helper is therefore a process that runs `decode` alone.
"""

import pickle
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress

from np_nn import ops
from np_nn.data.formats import decode
from np_nn.utils.progress import counter

CHUNK = 200  # files
WORTH_SECONDS = 0.8  # of work that is left: a helper takes 0.2 s to start


def decode_all(sources, channels=None, size=None, quiet=False):
    """Return what ``decode.decode_all`` does, by as many processes as there are threads."""
    starts = deque(range(0, len(sources), CHUNK))
    results = {}

    def request(start):
        return sources[start : start + CHUNK], channels, size

    with counter(len(sources), "reading images", "file", quiet) as bar, _Helpers() as helpers:
        began = time.perf_counter()
        while (start := _next(starts)) is not None:
            results[start] = decode.decode_all(*request(start))
            bar.update(len(results[start]))
            if not helpers.started and _left(began, results, starts) > WORTH_SECONDS:
                helpers.start(ops.threads - 1, starts, request, results, bar)
        helpers.finish()
    lost = [start for start in range(0, len(sources), CHUNK) if start not in results]
    results |= {start: decode.decode_all(*request(start)) for start in lost}
    return [outcome for start in sorted(results) for outcome in results[start]]


def _next(starts):
    try:
        return starts.popleft()
    except IndexError:  # helpers take from it, too
        return None


def _left(began, results, starts):
    return (time.perf_counter() - began) / len(results) * len(starts)


class _Helpers:
    """Processes that decode, each with a thread that hands it the next chunk of files."""

    def __init__(self):
        self.started = False
        self._processes, self._threads = [], []

    def __enter__(self):
        return self

    def start(self, count, starts, request, results, bar):
        self.started = True
        for _ in range(count if _python_is_known() else 0):
            with suppress(OSError):
                process = _process()
                work = (process, starts, request, results, bar)
                thread = threading.Thread(target=_hand_out, args=work, daemon=True)
                thread.start()
                self._processes.append(process)
                self._threads.append(thread)

    def finish(self):
        for thread in self._threads:
            thread.join()

    def __exit__(self, *error):
        for process in self._processes:
            process.kill()
        self.finish()
        for process in self._processes:
            process.wait()
            process.stdout.close()
            with suppress(OSError):  # what it did not read
                process.stdin.close()


def _hand_out(process, starts, request, results, bar):
    """Let a helper decode chunks until none is left; one that it loses is decoded by us later."""
    with suppress(OSError, EOFError, pickle.UnpicklingError):
        while (start := _next(starts)) is not None:
            pickle.dump(request(start), process.stdin, protocol=5)
            process.stdin.flush()
            results[start] = pickle.load(process.stdout)
            bar.update(len(results[start]))


def _process():
    """Start `decode` as a program that finds the same packages, and none beside its own file."""
    path = [entry for entry in sys.path if entry]
    run = f"runpy.run_path({decode.__file__!r}, None, '__main__')"
    code = f"import runpy, sys; sys.path[:] = {path!r}; {run}"
    pipe, none = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=none)


def _python_is_known():
    """Return whether sys.executable is Python: in a program that contains it, it is the program."""
    return "python" in (sys.executable or "").lower() and not getattr(sys, "frozen", False)
