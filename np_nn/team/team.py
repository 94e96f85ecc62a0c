"""Team: a training shared by processes, which are the ranks of an MPI."""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from np_nn import ops
from np_nn.team import alike
from np_nn.team.steps import TeamSteps
from np_nn.team.watcher import Watcher
from np_nn.team.world import world
from np_nn.training.state import Training
from np_nn.utils.arguments import check_arguments
from np_nn.utils.base_team import BaseTeam
from np_nn.utils.checks import check_range
from np_nn.utils.errors import DivergedError, NpNNError, one_line
from np_nn.utils.interrupts import Interrupts

MOST_SHARDS = 2**16
STOPS = KeyboardInterrupt, SystemExit
ONE_LINE = NpNNError, OSError, MemoryError  # errors whose traceback helps nobody


@check_arguments
class Team(BaseTeam):
    """Team of processes that train one network: the same bits for any number of them.

    ``fit(..., team=Team(shards=8))`` cuts each batch into 8 shards of almost equal size. The
    gradient of each shard is computed alone, by whichever process has it, and all are added in the
    order of one binary tree. Start the processes, called ranks, with ``mpiexec -n 4 python
    program.py`` or ``srun``; without a launcher, one process computes all shards. Each rank calls
    ``fit`` with the same arguments, and has the whole data set and network.

    Batch norm uses the statistics of each shard (ghost batch norm); its running statistics move by
    the mean over the shards. Dropout draws other numbers for each shard. All else is as without a
    team. Callbacks run on every rank, except those that only write files, see `Callback`; after
    each step ``stop`` and the optimizer's lr are those of rank 0. If one rank fails, all end.

    shards: number of parts of a batch, a part of the recipe; at most so many ranks. rank, size:
    number of this process, and of all. cores: cores of the machine for each of its ranks.

    Raises NpNNError for more ranks than shards, and if ranks were started without an MPI that
    mpi4py can use: ``pip install "np_nn[mpi]"``.
    """

    def __init__(self, shards: int) -> None:
        check_range("Team: shards", shards, most=MOST_SHARDS)
        self._world, self.shards = world(), shards
        self.rank, self.size, self.cores = self._world.rank, self._world.size, self._world.cores
        self.leads = self.rank == 0
        if self.size > shards:
            raise NpNNError(
                f"{self.size} ranks for {shards} shard{'s' * (shards > 1)}: start at most {shards},"
                f" or cut batches into {self.size} shards or more"
            )
        self._history: Any = None
        self._interrupts: Any = None
        self._watcher: Any = None

    def __repr__(self):
        return f"Team(shards={self.shards})"

    @contextmanager
    def running(self) -> Iterator[None]:
        if self.size == 1:
            yield
            return
        threads = ops.threads
        ops.set_threads(min(threads, self.cores))
        watcher = Watcher() if self.leads else nullcontext()
        try:
            with watcher as self._watcher, Interrupts() as self._interrupts:
                yield
        except BaseException as error:
            self._end(error)
            raise
        finally:
            ops.set_threads(threads)

    def _end(self, error):
        """End all ranks unless all of them fail; the others may wait for this one."""
        if self._world.all_fail():
            return
        if not isinstance(error, (*ONE_LINE, *STOPS)):
            traceback.print_exception(error, file=sys.__stderr__)
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        kept = "" if isinstance(error, DivergedError) else self._kept()  # which names it itself
        print(
            f"rank {self.rank} of {self.size} ends the training: {one_line(text)}{kept}",
            file=sys.__stderr__, flush=True,
        )  # fmt: skip
        self._world.abort(130 if isinstance(error, STOPS) else 2)

    def check(self, training: Training) -> None:
        self._history = training.history
        if self.size > 1:
            alike.compare(self._world.comm.allgather(alike.description(training)))
            self._watch()

    def steps(self, build: Callable[..., Any], *arguments: Any) -> TeamSteps:
        return TeamSteps(self._world, self.shards, *arguments)

    def agree(self, training: Training) -> None:
        if self.size == 1:
            return
        weights = alike.checksum(training.model) if training.epoch_ends else 0
        own = self._interrupts.seen, weights, training.stop, training.optimizer.lr
        said = np.empty((self.size, len(own)))
        self._world.comm.Allgather(np.array(own, float), said)
        training.stop, training.optimizer.lr = bool(said[0, 2]), said[0, 3].item()
        alike.check_weights(said[:, 1], training.history.done)
        self._watch()
        if any(said[:, 0]):
            raise KeyboardInterrupt

    def _watch(self):
        if self.leads:
            died = f"a rank of the team died, and the training ended with it{self._kept()}"
            self._watcher.say(died)

    def _kept(self):
        """Return the end of a message that names the newest checkpoint, which rank 0 knows."""
        if not (self.leads and self._history):
            return ""
        return self._history.kept or "; no checkpoint was saved"
