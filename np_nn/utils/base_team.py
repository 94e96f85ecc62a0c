"""BaseTeam: a team of one process, and all that ``fit`` asks of a team."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class BaseTeam:
    """Team of one process, which trains alone; base class of `Team`.

    shards: number of parts in which each batch is computed; None: it is computed whole. leads:
    whether this process prints, draws and writes files.
    """

    shards: int | None = None
    leads = True

    def running(self) -> AbstractContextManager[None]:
        """Return a context for the training, which ends all its processes if one fails."""
        return nullcontext()

    def check(self, training: Any) -> None:
        """Raise NpNNError if the processes do not train the same, before the first step."""

    def steps(self, build: Callable[..., Any], *arguments: Any) -> Any:
        """Return the training steps that ``build`` makes for one process of these arguments."""
        return build(*arguments)

    def agree(self, training: Any) -> None:
        """Let what callbacks changed in one process, stop and lr, hold in all of them."""
