"""Small trainings as ranks of an MPI: rank 0 prints the SHA-256 of what each has learned.

    mpiexec -n 3 python -m tests.support.ranks mlp norm lenet
    mpiexec -n 3 python -m tests.support.ranks norm --save FILE --resume --fault killed

With ``--fault``, the last rank is made to differ or to fail. ``--slow``: seconds to sleep after
each step. ``--pids``: folder for the numbers of the processes.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import np_nn as nn

ROOT = Path(__file__).resolve().parents[2]
SHARDS = 5  # of a batch of 23: 5, 5, 5, 4, 4 images; of the last one: 4, 3, 3, 3, 3
FAULT_STEP = 7  # a step after which the faults of a running training happen


def data(seed=0):
    """Return 108 images of noise around a class's bright corner, mostly black."""
    rng, labels = np.random.default_rng(seed), np.arange(108) % 3
    images = rng.integers(0, 200, (108, 12, 12)) * (rng.random((108, 12, 12)) < 0.3)
    for i, label in enumerate(labels):
        images[i, 3 * label : 3 * label + 4, :4] += 55
    return nn.Split(images.astype(np.uint8), labels)


def mlp():
    return nn.Sequential(nn.Linear(144, 40), nn.ReLU(), nn.Linear(40, 3))


def compiled_norm():
    return nn.Sequential(
        nn.Linear(144, 40, bias=False), nn.BatchNorm1d(40), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(40, 3),
    )  # fmt: skip


def norm():
    """Layers that no compiled loop takes."""
    return nn.Sequential(
        nn.Linear(144, 40), nn.BatchNorm1d(40, momentum=None), nn.GELU(), nn.Dropout(0.2),
        nn.Residual(nn.Sequential(nn.Linear(40, 40), nn.BatchNorm1d(40), nn.ReLU())),
        nn.GaussianNoise(0.05), nn.Linear(40, 3),
    )  # fmt: skip


def lenet():
    return nn.lenet(channels=(2, 3), hidden=(8,), image=(1, 12, 12), classes=3)


MODELS = {"mlp": mlp, "compiled_norm": compiled_norm, "norm": norm, "lenet": lenet}


class Faults(nn.Callback):
    """What goes wrong in the last rank after FAULT_STEP steps, and slow steps."""

    def __init__(self, fault, last, slow):
        self.fault, self.last, self.slow = fault, last, slow

    def on_batch_end(self, training):
        time.sleep(self.slow)
        if training.history.done != FAULT_STEP or not self.last:
            return
        if self.fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.fault == "raised":
            raise OSError("a callback failed")
        elif self.fault == "bug":
            raise ZeroDivisionError
        elif self.fault == "interrupted":
            os.kill(os.getpid(), signal.SIGINT)
        elif self.fault == "changed":
            training.model.parameters()[0].data += 1


class Slower(nn.Callback):
    """Halve the learning rate after 10 steps, in rank 0 only."""

    every = 10

    def on_batch_end(self, training):
        training.optimizer.lr /= 2


def train(kind, team, save=None, resume=False, fault=None, slow=0.0, epochs=4):
    """Train one of MODELS with all that a team must do alike; return (history, SHA-256)."""
    last = team.rank == team.size - 1 > 0
    if fault == "kernels" and last:
        nn.use("numpy")
    nn.manual_seed(1 if fault == "weights" and last else 0)
    model, split = MODELS[kind](), data(1 if fault == "data" and last else 0)
    nn.initialize(model, "torch", seed=int(fault == "weights" and last))
    optimizer = nn.Adam(model.parameters(), lr=0.02 if fault == "recipe" and last else 0.01)
    callbacks = [Faults(fault, last, slow), *([Slower()] if team.leads else [])]
    if save:
        callbacks.append(nn.Checkpoint(save, every=3))
    history = nn.fit(
        model, split, nn.CrossEntropyLoss(weight=[1, 2, 3] if kind == "norm" else None), optimizer,
        epochs=epochs, batch_size=23, l2=0.01, schedule=nn.OneCycleLR(), validation=data(2),
        order=(lambda: np.arange(108)[::-1]) if fault == "order" and last else None,
        augment=nn.Shift(1) if kind == "mlp" else None, callbacks=callbacks, team=team,
        limits=nn.Limits(clip_norm=1.0), seed=3, quiet=True,
        early_stopping=nn.EarlyStopping(patience=3), resume=save if resume else None,
    )  # fmt: skip
    moments = [moment for moments in optimizer.moments for moment in moments]
    arrays = [*model.state_dict().values(), *moments, history.loss, history.accuracy]
    return history, hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def mpiexec():
    """Return the path of the mpiexec installed beside Python, else of the one on PATH; or None."""
    return shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")


def command(count, *words):
    """Return the command that runs Python with these words as `count` ranks."""
    return [mpiexec(), "-n", str(count), sys.executable, *map(str, words)]


def spawn(count, *words, **options):
    """Run Python as `count` ranks in the project's folder; return the CompletedProcess."""
    return subprocess.run(
        command(count, *words), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        **options,
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="+", choices=MODELS)
    parser.add_argument("--save")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--fault")
    parser.add_argument("--slow", type=float, default=0.0)
    parser.add_argument("--pids", type=Path)
    args = parser.parse_args()
    team = nn.Team(shards=SHARDS)
    if args.pids:
        (args.pids / str(team.rank)).write_text(str(os.getpid()))
    for kind in args.kinds:
        try:
            history, digest = train(kind, team, args.save, args.resume, args.fault, args.slow)
        except nn.NpNNError as error:
            sys.exit(f"all: {error}" if team.leads else 2)
        if team.leads:
            print(kind, history.done, "interrupted" if history.interrupted else digest, flush=True)


if __name__ == "__main__":
    main()
