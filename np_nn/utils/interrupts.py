"""Ctrl-C that is noted, for programs of several processes that stop at a place of their own."""

import signal
import threading


class Interrupts:
    """Context in which the first SIGINT is only noted; the second one ends the program.

    seen: whether there was one.
    """

    seen = False

    def __enter__(self):
        self._main = threading.current_thread() is threading.main_thread()
        if self._main:
            self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error):
        if self._main:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number, frame):
        if self.seen:
            raise SystemExit(130)
        self.seen = True
