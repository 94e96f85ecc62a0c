"""OneProcess: a training that is not shared, and all that ``fit`` asks of a team."""

from contextlib import nullcontext

from np_nn.training.steps import build


class OneProcess:
    """Training by this process alone; base class of `Team`.

    shards: number of parts in which each batch is computed; None: it is computed whole. leads:
    whether this process prints, draws and writes files.
    """

    shards: int | None = None
    leads = True

    def running(self):
        """Return a context for the training, which ends all its processes if one fails."""
        return nullcontext()

    def check(self, training):
        """Raise NpNNError if the processes do not train the same, before the first step."""

    def steps(self, *arguments):
        """Return the steps for these arguments of ``steps.build``."""
        return build(*arguments)

    def agree(self, training):
        """Let what callbacks changed in one process, stop and lr, hold in all of them."""
