"""Break the writing of checkpoints in every way that a machine can, and count the failures.

    make faults                                           the suite runs less of it
    python -m tests.support.faults --kills N --rounds N --rank-kills N
                            number of kills, of pairs of trainings, and of kills of a team's rank

A training is killed at random moments, mostly while it writes a checkpoint, and resumed, many
times; each system call that writes fails in turn; and two trainings write the same file. A whole
file must always be there, and the training must end with the same bits. A rank of a team is killed
at random moments, and the training is resumed on another number of ranks, with the same bits.
"""

import argparse
import contextlib
import errno
import hashlib
import importlib.util
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn import ops
from np_nn.utils import archive, files
from tests.support import ranks

CALLS = ("open", "write", "fsync", "link", "replace", "close")  # functions of os that write a file
ERRORS = (errno.ENOSPC, errno.EIO)
AIMED = 0.8  # fraction of the kills aimed at the writing of a checkpoint
PIECE = 997  # maximum bytes per write, so that there are many writes


# --- the training -----------------------------------------------------------------------------


def train(path, resume=None, callbacks=()):
    """Run a small training with everything a checkpoint must hold; return its hash."""
    nn.manual_seed(0)
    rng = np.random.default_rng(0)
    data = nn.Split(rng.integers(0, 256, (60, 6, 6), dtype=np.uint8), np.arange(60) % 3)
    model = nn.initialize(
        nn.Sequential(nn.Linear(36, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2),
                      nn.Linear(16, 3)),
        "torch", seed=0,
    )  # fmt: skip
    optimizer = nn.Adam(model.parameters(), lr=0.01)
    history = nn.fit(
        model, data, nn.CrossEntropyLoss(), optimizer, epochs=8, batch_size=8, augment=nn.Shift(1),
        validation=data, schedule=nn.OneCycleLR(), resume=resume, quiet=True,
        callbacks=[nn.Checkpoint(path, every=3, keep=2), *callbacks],
    )  # fmt: skip
    moments = [moment for moments in optimizer.moments for moment in moments]
    arrays = [*model.state_dict().values(), *moments, history.loss, history.accuracy]
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def training(path):
    """Run or resume the training of a checkpoint; write its hash to the file ``result``."""
    result = train(path, resume=path if path.exists() else None)
    files.write_file(path.parent / "result", result.encode())  # killed here: no result yet


# --- killed at random moments -----------------------------------------------------------------


def child(work, *arguments):
    """Run `work` in a forked process, which needs no imports; return its id."""
    process = os.fork()
    if process:
        return process
    try:
        work(*arguments)
        os._exit(0)
    except BaseException as error:
        print(f"child: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def dying(path, countdown):
    """Run the training; kill it just before the countdown-th call that writes a file."""
    left = [countdown]

    def before(name, real):
        def call(*arguments, **options):
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            if name == "write":
                arguments = (arguments[0], arguments[1][:PIECE])
            return real(*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, before(name, getattr(os, name)))
    training(path)


def kill_one(path, rng):
    """Start or resume the training and kill it; return whether it was killed before its end."""
    if rng.random() < AIMED:
        process = child(dying, path, rng.randrange(1, 400))
    else:
        process = child(training, path)
        time.sleep(rng.uniform(0, 0.15))
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a training failed, see above")
    return os.WIFSIGNALED(status)


def kill(kills, seed=0):
    """Kill trainings `kills` times.

    Returns (kills, trainings that ended, unreadable files, different hashes at the end): the last
    two must be 0.
    """
    rng, done, ended, unreadable, different = random.Random(seed), 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        expected = train(Path(folder) / "expected")
    while done < kills:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run"
            while not (path.parent / "result").exists():
                done += kill_one(path, rng)
                unreadable += sum(not readable(file) for file in written(path))
            ended += 1
            different += (path.parent / "result").read_text() != expected
    return done, ended, unreadable, different


def written(path):
    """Return the file and its earlier version, those that exist."""
    return [file for file in (path, files.version(path, 1)) if file.exists()]


def readable(path):
    try:
        nn.load_checkpoint(path)
    except nn.NpNNError as error:
        print(error, file=sys.stderr)
        return False
    return True


# --- calls that fail --------------------------------------------------------------------------


class FailAt:
    """Context in which the k-th call of os that writes a file raises OSError."""

    def __init__(self, k, code):
        self.k, self.code, self.calls = k, code, 0

    def __enter__(self):
        self._real = {name: getattr(os, name) for name in CALLS}
        for name, real in self._real.items():
            setattr(os, name, self._failing(name, real))
        return self

    def __exit__(self, *error):
        for name, real in self._real.items():
            setattr(os, name, real)

    def _failing(self, name, real):
        def call(*arguments, **options):
            self.calls += 1
            if self.calls == self.k:
                if name == "close":  # close fails, and closes anyway
                    real(*arguments)
                raise OSError(self.code, os.strerror(self.code))
            if name == "write":
                arguments = (arguments[0], arguments[1][:PIECE])
            return real(*arguments, **options)

        return call


def fail_each():
    """Let each call that writes a file fail in turn.

    Returns (failures, files neither old nor new, left-over files, errors other than NpNNError): the
    last three must be 0.
    """
    failures, neither, left_over, other = 0, 0, 0, 0
    trees = [{"which": which, "array": np.full(1500, which, np.float32)} for which in range(3)]
    for code in ERRORS:
        k = 0
        while True:
            k += 1
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "run"
                for tree in trees[:2]:
                    archive.write(path, tree, keep=3)
                with FailAt(k, code) as fault:
                    try:
                        archive.write(path, trees[2], keep=3)
                    except nn.NpNNError:
                        pass
                    except BaseException:
                        other += 1
                if fault.calls < k:
                    break
                failures += 1
                neither += not all(which(file) in (0, 1, 2) for file in written(path))
                neither += which(path) not in (1, 2)
                left_over += len({file.name for file in Path(folder).iterdir()} - KEPT)
    return failures, neither, left_over, other


KEPT = {"run", "run.1", "run.2"}


def which(path):
    """Return the number of the tree that a file holds, or None if it is unreadable."""
    try:
        tree = archive.read(path)
    except nn.NpNNError:
        return None
    return tree["which"] if (tree["array"] == tree["which"]).all() else None


# --- two that write the same file -------------------------------------------------------------


def share(rounds):
    """Let two trainings save to one file, and log to one.

    Returns (files read meanwhile, unreadable ones): the last must be 0.
    """
    read, unreadable = 0, 0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "run"
            log = nn.JSONLogger(Path(folder) / "log")
            processes = {child(train, path, None, [log]) for _ in range(2)}
            while processes:
                process, status = os.waitpid(-1, os.WNOHANG)
                if process in processes:
                    processes.remove(process)
                    unreadable += status != 0
                if path.exists():
                    read += 1
                    unreadable += not readable(path)
    return read, unreadable


# --- a rank of a team, killed at random moments --------------------------------------------------

SECONDS = 0.6  # of a training of tests.support.ranks, which is slowed down to it
MOST_SECONDS = 60  # after which a team counts as hanging


def kill_ranks(kills, seed=0):
    """Kill one rank of 1 to 3, and resume the training on another number of ranks, `kills` times.

    Returns (kills, teams that hung or resumed trainings that failed, different hashes at the end):
    the last two must be 0. All are 0 without an MPI.
    """
    rng, killed, failed, different = random.Random(seed), 0, 0, 0
    if not (ranks.mpiexec() and importlib.util.find_spec("mpi4py")):
        return 0, 0, 0
    kinds = "mlp", "norm", "lenet"
    expected = {kind: ranks.train(kind, nn.Team(ranks.SHARDS))[1] for kind in kinds}
    while killed < kills:
        kind, count = kinds[killed % len(kinds)], rng.randint(1, 3)
        with tempfile.TemporaryDirectory() as folder:
            if not kill_rank(kind, count, Path(folder), rng):
                continue
            killed += 1
            resume = ["--resume"] if (Path(folder) / "run").exists() else []
            others = rng.choice([n for n in (1, 2, 3) if n != count])
            try:
                done = ranks.spawn(others, *words(kind, folder), *resume)
            except subprocess.TimeoutExpired:
                failed += 1
                continue
            digest = done.stdout.split()[-1:]
            failed += done.returncode != 0
            different += done.returncode == 0 and digest != [expected[kind]]
            if done.returncode:
                print(done.stderr, file=sys.stderr)
    return killed, failed, different


def words(kind, folder):
    """Return the words that run a training of tests.support.ranks, saved in a folder."""
    return "-m", "tests.support.ranks", kind, "--save", f"{folder}/run", "--pids", folder


def kill_rank(kind, count, folder, rng):
    """Start a training on `count` ranks, and kill one of them; return False if it ended before."""
    slow = str(SECONDS / 20)
    team = subprocess.Popen(
        ranks.command(count, *words(kind, folder), "--slow", slow), cwd=ranks.ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    places = [folder / str(rank) for rank in range(count)]
    while not all(place.exists() and place.read_text() for place in places):
        if team.poll() is not None:
            sys.exit(f"tests.support.ranks {kind} on {count} ranks did not start")
        time.sleep(0.01)
    time.sleep(rng.uniform(0, 1.5 * SECONDS))
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(rng.choice(places).read_text()), signal.SIGKILL)
    return team.wait(MOST_SECONDS) != 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--rank-kills", type=int, default=100)
    parser.add_argument("--kernels", default=ops.default())
    args = parser.parse_args()
    nn.use(args.kernels)
    killed, ended, unreadable, different = kill(args.kills)
    failures, neither, left_over, other = fail_each()
    read, torn = share(args.rounds)
    dead, stuck, other_bits = kill_ranks(args.rank_kills)
    print(
        f"{killed} kills of {ended} trainings: {unreadable} unreadable files, "
        f"{different} trainings that ended with other bits\n"
        f"{failures} calls that failed with ENOSPC or EIO: {neither} times neither the old nor "
        f"the new file, {left_over} files left over, {other} other errors\n"
        f"{read} readings of a file that two trainings write: {torn} unreadable\n"
        f"{dead} kills of a rank, resumed on another number: {stuck} failed, {other_bits} ended "
        "with other bits"
    )
    return any((unreadable, different, neither, left_over, other, torn, stuck, other_bits))


if __name__ == "__main__":
    sys.exit(main())
