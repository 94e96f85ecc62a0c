"""Programs that run as ranks of an MPI: rank 0 prints and writes, an error is printed once."""

import os
import sys
import traceback

from np_nn import ops
from np_nn.team import Team
from np_nn.team.world import World, started, world
from np_nn.utils.errors import NpNNError


def join(args):
    """Return the Team of --shards, or None without that option.

    Its ranks share the cores of their machine, and those other than rank 0 print nothing from now
    on. Raises the errors of Team.
    """
    if not args.settings.shards:
        return None
    team = Team(args.settings.shards)
    if team.size > 1:
        args.threads = min(args.threads, team.cores)
        ops.set_threads(args.threads)
    if not team.leads:
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - to the end
    return team


def fail(line, status):
    """Print the line of an error; return the exit status.

    If all ranks fail, rank 0 prints it. If one does, it prints the line and ends the others.
    """
    found = _world()
    together = found.all_fail()
    if not together:
        print(f"{line} (rank {found.rank} of {found.size})", file=sys.__stderr__, flush=True)
        found.abort(status)
    elif found.rank == 0:
        print(line, file=sys.stderr)
    return status


def crash():
    """Print the traceback of an unexpected exception and end all ranks, if others may wait."""
    found = _world()
    if not found.all_fail():
        traceback.print_exc(file=sys.__stderr__)
        found.abort(1)


def _world():
    """Return the World of the ranks that were started; this process alone if there is none."""
    try:
        return world() if started() > 1 else World()
    except NpNNError:
        return World()
