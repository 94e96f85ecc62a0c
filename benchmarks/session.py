"""What the parts of a benchmark run share: how long to measure, and what was found so far."""

from dataclasses import dataclass, field

from team import Team

from np_nn.utils import machine
from np_nn.utils.progress import announce


@dataclass
class Session:
    """One run of the benchmarks.

    found: figures that a later part needs, by name. targets: all that were compared so far.
    """

    team: Team
    rounds: int
    seconds: float
    quick: bool
    quiet: bool
    interrupted: bool = False
    found: dict = field(default_factory=dict)
    targets: list = field(default_factory=list)

    cores = machine.cores()

    def each(self, what, work, describe=str):
        """{item: work(item)} for all items of a list. Ctrl-C keeps what is done."""
        done = {}
        try:
            for item in announce([] if self.interrupted else list(what), describe, self.quiet):
                done[item] = work(item)
        except KeyboardInterrupt:
            self.interrupted = True
        return done

    def ask(
        self, labels, task, *, threads=None, seconds=None, rounds=None, fresh=False, **arguments
    ):
        """The Figures of these contenders for a task. fresh: in new processes."""
        request = {"task": task, "arguments": arguments, "seconds": seconds or self.seconds}
        threads, rounds = threads or self.cores, rounds or self.rounds
        if fresh:
            self.team.dismiss(labels, threads)
        return self.team.take_turns(labels, request, threads, rounds)

    @property
    def thread_counts(self):
        """All cores, and one."""
        return sorted({self.cores, 1}, reverse=True)
