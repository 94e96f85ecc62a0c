"""Session of a benchmark run, shared by its parts: durations, and figures found so far."""

from dataclasses import dataclass, field

from team import Team

from np_nn.utils import machine
from np_nn.utils.progress import announce


@dataclass
class Session:
    """Session of the benchmarks.

    seconds: length of a turn. found: figures that later parts need, by name. targets: all Targets
    compared so far.
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
        """Return {item: work(item)} for all items of a list. Ctrl-C keeps the finished ones."""
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
        """Return the Figures of these contenders for a task.

        Args:
            labels: of the contenders.
            task: name of a method of their Tasks.
            threads: number of threads; None: all cores.
            seconds: length of a turn; None: the session's.
            rounds: number of rounds; None: the session's.
            fresh: start new processes.
            **arguments: of the task.
        """
        request = {"task": task, "arguments": arguments, "seconds": seconds or self.seconds}
        threads, rounds = threads or self.cores, rounds or self.rounds
        if fresh:
            self.team.dismiss(labels, threads)
        return self.team.take_turns(labels, request, threads, rounds)

    @property
    def thread_counts(self):
        """All cores, and one."""
        return sorted({self.cores, 1}, reverse=True)
