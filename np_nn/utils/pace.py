"""How many threads train fastest just now: all that are allowed, or one."""

TRIAL = 0.004  # seconds, at least, that the other number of threads is tried
PATIENCE = 0.25, 2.0  # seconds between two trials: the least, and the most, after many in vain
CLEARLY = 0.8  # the share of the time that the other number must need to be taken


class Pace:
    """Finds out, by trying, how many threads the next call shall use.

    Any number of threads computes the same bits. But where other programs keep the cores busy,
    one thread is many times faster than several that wait for each other. threads: how many are
    allowed.
    """

    def __init__(self, threads):
        self._threads, self._other = threads, 1
        self._patience, self._seconds, self._steps, self._usual = PATIENCE[0], 0.0, 0, 0.0
        self.tries = False  # whether the next call is a trial

    @property
    def threads(self):
        """For the next call."""
        return self._other if self.tries else self._threads

    def note(self, seconds, steps):
        """Learn from a call that took so many seconds for so many steps."""
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
