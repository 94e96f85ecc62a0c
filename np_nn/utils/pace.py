"""Choice of the faster thread count at run time: all allowed threads, or one."""

TRIAL = 0.004  # minimum seconds for which the other thread count is tried
PATIENCE = 0.25, 2.0  # seconds between trials: initial, and maximum after repeated failures
CLEARLY = 0.8  # maximum time of the other thread count, relative to the current, for a switch


class Pace:
    """Trial-based choice of the thread count of the next call.

    The result is bit-identical for any thread count. But where other programs keep the cores
    busy, one thread is many times faster than several that wait for each other. threads: maximum
    thread count.
    """

    def __init__(self, threads):
        self._threads, self._other = threads, 1
        self._patience, self._seconds, self._steps, self._usual = PATIENCE[0], 0.0, 0, 0.0
        self.tries = False  # whether the next call is a trial

    @property
    def threads(self):
        """Thread count of the next call."""
        return self._other if self.tries else self._threads

    def note(self, seconds, steps):
        """Record that a call took `seconds` for `steps` steps; schedule or judge a trial."""
        self._seconds += seconds
        self._steps += steps
        if self._seconds < (TRIAL if self.tries else self._patience):
            return
        pace = self._seconds / self._steps
        if self.tries:
            self._decide(pace)
        self._usual, self._seconds, self._steps = pace, 0.0, 0
        self.tries = not self.tries and self._other != self._threads

    def _decide(self, tried):
        if tried < CLEARLY * self._usual:
            self._threads, self._other = self._other, self._threads
            self._patience = PATIENCE[0]
        else:
            self._patience = min(2 * self._patience, PATIENCE[1])
