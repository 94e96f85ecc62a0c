"""World: the processes that an MPI launcher started, called ranks."""

import functools
import importlib.util
import os
import time

from np_nn.utils import machine
from np_nn.utils.errors import NpNNError, one_line

# Variables in which a launcher tells its processes their number: Hydra (MPICH, Intel MPI) and
# Microsoft's, Open MPI's, and Slurm's.
STARTED = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
INSTALL = 'pip install "np_nn[mpi]"'
PATIENCE = 2.0  # seconds in which ranks that fail for the same reason all fail


def started():
    """Return the number of processes that a launcher says it started; 1 without a launcher."""
    said = [os.environ.get(name, "") for name in STARTED]
    return max([1, *(int(count) for count in said if count.isdecimal())])


@functools.cache
def world():
    """Return the World of this process.

    Raises NpNNError if several processes were started and mpi4py is missing or sees only one of
    them, and if mpi4py is installed without an MPI library.
    """
    count = started()
    if importlib.util.find_spec("mpi4py") is None:
        if count > 1:
            raise NpNNError(f"{count} ranks were started, but a team needs mpi4py: {INSTALL}")
        return World()
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise NpNNError(
            f"mpi4py finds no MPI library: {INSTALL}, or load the MPI module of your cluster "
            f"({one_line(error).partition('.')[0]})"
        ) from None
    if count > 1 and MPI.COMM_WORLD.size == 1:
        library = " ".join(MPI.Get_library_version().splitlines()[0].split())
        raise NpNNError(
            f"{count} processes were started, but not as ranks of mpi4py's MPI library ({library}):"
            " start them with the mpiexec of that library"
        )
    return World(MPI)


class World:
    """Ranks of an MPI, or the only process without one.

    mpi: the module ``mpi4py.MPI``, or None. rank, size: number of this process, and of all. comm:
    communicator of the ranks. cores: cores for each rank of this machine.
    """

    def __init__(self, mpi=None):
        self._mpi, self.rank, self.size = mpi, 0, 1
        self.comm, self.cores = None, machine.cores()
        if mpi and mpi.COMM_WORLD.size > 1:
            self.comm, self._failures = mpi.COMM_WORLD.Dup(), mpi.COMM_WORLD.Dup()
            self.rank, self.size = self.comm.rank, self.comm.size
            self.cores = self._share()

    def _share(self):
        """Return the number of cores of this rank if the ranks of the machine share them."""
        own = machine.core_set()
        sets = self.comm.Split_type(self._mpi.COMM_TYPE_SHARED).allgather(own)
        return max(1, len(own) // sum(not own.isdisjoint(other) for other in sets))

    def begin_add(self, array):
        """Begin to add up an array of all ranks in place; return a function that waits for it."""
        if self.size == 1:
            return lambda: None
        return self.comm.Iallreduce(self._mpi.IN_PLACE, array).Wait

    def all_fail(self):
        """Return whether all other ranks fail, too. Called by each rank that fails."""
        if self.size == 1:
            return True
        request, end = self._failures.Ibarrier(), time.monotonic() + PATIENCE
        while not request.Test():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def abort(self, status):
        """End all ranks with an exit status."""
        self._mpi.COMM_WORLD.Abort(status)
