"""Parallel decoding of image files: by this process, and by one helper for each further thread.

Pillow holds the GIL for most of the time of a small image, so threads do not help; a fork would
copy locks that other threads hold, and ``multiprocessing`` imports the user's program again. Each
helper is therefore a process that runs `decode` alone.
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
WORTH_SECONDS = 0.8  # minimum remaining work for helpers, which take 0.2 s to start


def decode_all(sources, channels=None, size=None, quiet=False):
    """Return the results of ``decode.decode_all``, computed by ``ops.threads`` processes."""
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
    except IndexError:  # helpers take from the queue, too
        return None


def _left(began, results, starts):
    return (time.perf_counter() - began) / len(results) * len(starts)


class _Helpers:
    """Decoding processes, each with a thread that sends it the next chunk of files."""

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
            with suppress(OSError):  # from flushing requests that the helper did not read
                process.stdin.close()


def _hand_out(process, starts, request, results, bar):
    """Let a helper decode chunks until none is left; this process decodes lost chunks later."""
    with suppress(OSError, EOFError, pickle.UnpicklingError):
        while (start := _next(starts)) is not None:
            pickle.dump(request(start), process.stdin, protocol=5)
            process.stdin.flush()
            results[start] = pickle.load(process.stdout)
            bar.update(len(results[start]))


def _process():
    """Start `decode` as a program with this sys.path, and without its own folder in it."""
    path = [entry for entry in sys.path if entry]
    run = f"runpy.run_path({decode.__file__!r}, None, '__main__')"
    code = f"import runpy, sys; sys.path[:] = {path!r}; {run}"
    pipe, none = subprocess.PIPE, subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=none)


def _python_is_known():
    """Return whether sys.executable is Python, and not a program that embeds it."""
    return "python" in (sys.executable or "").lower() and not getattr(sys, "frozen", False)
