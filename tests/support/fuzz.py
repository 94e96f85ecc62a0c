"""Read thousands of mutated files and options: each is read, or raises NpNNError.

    make fuzz                              the suite runs less of it: test_fuzz.py
    python -m tests.support.fuzz --cases N --seed N

A valid input of each kind is mutated. Reading it may raise NpNNError only, within a second and a
gibibyte, and leaves a training that refuses a checkpoint unchanged.
"""

import argparse
import contextlib
import gzip
import hashlib
import importlib.util
import io
import json
import random
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

import np_nn as nn
from np_nn import cli, losses, optim, recipes
from np_nn.cli import save_options
from np_nn.data import idx
from np_nn.data.augmentation import AUGMENTATIONS
from np_nn.data.preparation import Preparation
from np_nn.models import MODELS
from np_nn.optim import schedules
from np_nn.saving.loggers import JSONLogger
from np_nn.utils import archive, spec

MOST_SECONDS = 1.0  # CPU time: the machine may be busy
MOST_BYTES = 2**30
ODD = (0, 1, -1, 255, 2**31, 2**32 - 1, 2**53 + 1, 2**63, 2**64, -(2**70), 10**400, 1e308, -0.5)
ODD += (float("nan"), float("inf"), True, None, "", "-", "--json", "x" * 9999, "\0\n", [], {}, [[]])


def mutated(content, rng):
    """Return bytes with random changes: bits flipped, pieces cut, inserted or overwritten."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(content) + 1)
        piece = content[at : at + rng.choice((1, 4, 30, 1000))]
        change = rng.randrange(5)
        if change == 0 and piece:
            content[at] ^= 1 << rng.randrange(8)
        elif change == 1:
            del content[at : at + len(piece)]
        elif change == 2:
            content[at:at] = piece
        elif change == 3:
            content[at : at + 8] = struct.pack(rng.choice("<>") + "Q", rng.choice(ODD[:9]) % 2**64)
        else:
            del content[at:]
    return bytes(content)


def mutated_tree(tree, rng):
    """Return a tree of dicts, lists and leaves with one node changed."""
    if isinstance(tree, dict | list) and tree and rng.random() < 0.9:
        copy = dict(tree) if isinstance(tree, dict) else list(tree)
        key = rng.choice(list(copy) if isinstance(copy, dict) else range(len(copy)))
        if rng.random() < 0.05:
            del copy[key]
        else:
            copy[key] = mutated_tree(copy[key], rng)
        return copy
    return odd(tree, rng)


def odd(value, rng):
    """Return a value other than the given one, often similar to it."""
    if isinstance(value, np.ndarray) and value.ndim and rng.random() < 0.7:
        return rng.choice((value[..., :-1], value.astype(np.float64), value * np.float32("nan"),
                           value.T, value[None], np.array(0), value.astype(bool)))  # fmt: skip
    if isinstance(value, str) and rng.random() < 0.5:
        return mutated(value.encode(), rng).decode(errors="replace")
    if type(value) in (int, float) and abs(value) < 2**64 and rng.random() < 0.5:
        return value + rng.choice((1, -1, 0.5, 10**6))
    if rng.random() < 0.02:
        nested = []
        for _ in range(rng.choice((15, 300))):
            nested = [nested]
        return nested
    return rng.choice(ODD)


class IDXFiles:
    """IDX images, with and without gzip."""

    def __init__(self, folder):
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
        content = b"\0\0\x08\x03" + struct.pack(">3I", *images.shape) + images.tobytes()
        self.right, self.shape = (content, gzip.compress(content)), images.shape

    def try_one(self, rng):
        content = mutated(rng.choice(self.right), rng)
        limit = rng.choice((len(self.right[0]), idx.MAX_BYTES))
        idx.parse(idx.unpack(content, "file", limit), "file", rng.choice((None, self.shape)))


class Bytes:
    """Checkpoints with changed bytes; half of them with the right hash."""

    def __init__(self, folder):
        self.right = Checkpoints(folder).path.read_bytes()

    def try_one(self, rng):
        content = mutated(self.right, rng)
        if rng.random() < 0.5:
            content = signed(content)
        archive.unpack(content)


def signed(content):
    """Return a file with the SHA-256 of its changed content, as an attacker would write it."""
    at = content.find(b"sha256") + len(b'sha256\\": \\"')
    unsigned = content[:at] + archive.UNSIGNED.encode() + content[at + 64 :]
    return unsigned.replace(
        archive.UNSIGNED.encode(), hashlib.sha256(unsigned).hexdigest().encode(), 1
    )


class Checkpoints:
    """Checkpoints to resume from, with one part changed."""

    def __init__(self, folder):
        self.path, self.changed = Path(folder) / "right", Path(folder) / "changed"
        rng = np.random.default_rng(0)
        self.data = nn.Split(rng.integers(0, 256, (12, 2, 2), dtype=np.uint8), np.arange(12) % 3)
        nn.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.1))
        self.optimizer = nn.Adam(self.model.parameters())
        self.fit(steps=4, callbacks=[nn.Checkpoint(self.path, recipe={"recipe": "np_nn"})])
        self.right = nn.load_checkpoint(self.path)
        self.model_was = self.model.state_dict()
        self.optimizer_was = self.optimizer.state_dict()
        self.was = self.state()

    def fit(self, **options):
        nn.fit(
            self.model, self.data, nn.CrossEntropyLoss(), self.optimizer, batch_size=4,
            augment=nn.Shift(1), validation=self.data, early_stopping=nn.EarlyStopping(),
            quiet=True, **options,
        )  # fmt: skip

    def state(self):
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        return archive.pack(state)

    def try_one(self, rng):
        self.changed.write_bytes(archive.pack(mutated_tree(self.right, rng)))
        try:
            self.fit(steps=6, resume=self.changed)
        except nn.DivergedError:  # it resumed, with the weights of the file
            pass
        except nn.NpNNError:
            assert self.state() == self.was, "refused, but changed"
            raise
        self.model.load_state_dict(self.model_was)
        self.optimizer.load_state_dict(self.optimizer_was)


class ModelFiles:
    """Files of every model with changed bytes, description or arrays, often with a correct hash."""

    def __init__(self, folder):
        self.path, self.tried = Path(folder) / "model.safetensors", 0
        self.right = [self._right(name) for name in MODELS]

    def _right(self, name):
        """Return (bytes of a small model's file, its tree, its arrays, its outputs)."""
        sizes = {
            "mlp": {"sizes": (196, 5, 3), "norm": "batch", "dropout": 0.1, "residual": True},
            "residual_mlp": {"inputs": 196, "classes": 3},
        }
        of_images = {"image": (1, 14, 14), "classes": 3, "channels": (2, 2)}
        nn.manual_seed(0)
        model = MODELS[name](**sizes.get(name, of_images))
        rule = Preparation("digit", (14, 14), deskew=True, scale=1 / 255)
        info = nn.ModelInfo(("a", "b", "c"), rule, "set", {"hidden": (5,)}, {"np_nn": "0"})
        nn.save_model(model, self.path, info)
        return self.path.read_bytes(), archive.read(self.path), model.state_dict(), use(model, info)

    def try_one(self, rng):
        self.tried += 1
        content, tree, state, outputs = self.right[self.tried % len(self.right)]
        change = rng.randrange(4)
        if change < 2:
            content = mutated(content, rng)
            content = content if change else signed(content)
        elif change == 2:
            for _ in range(rng.choice((1, 1, 3))):
                tree = mutated_tree(tree, rng)
            content = archive.pack(tree, state)
        else:
            content = archive.pack(tree, mutated_arrays(state, rng))
        self.path.write_bytes(content)
        model = nn.load_model(self.path)
        found = use(model, model.info)
        assert change != 1 or np.array_equal(found, outputs), "read, but another model"


def mutated_arrays(state, rng):
    """Return the arrays of a state_dict after one change to it."""
    changed = mutated_tree(state, rng)
    arrays = changed if isinstance(changed, dict) else {}
    return {name: array for name, array in arrays.items() if isinstance(array, np.ndarray)}


def use(model, info):
    """Return the outputs for an image prepared as the info says; None if it is large."""
    shape = info.preparation.shape or (14, 14)
    if np.prod(shape) > 10**5:
        return None  # would take longer than reading the file
    samples = np.arange(np.prod(shape)).reshape(1, *shape) % 251
    with np.errstate(all="ignore"):
        outputs = nn.predict(model, info.preparation.split(samples))
    assert isinstance(repr(model), str)
    if info.classes and info.preparation.shape:
        assert outputs.shape == (1, len(info.classes))
    return outputs


class Options:
    """Options stored in a checkpoint, as main_np.py takes them."""

    def __init__(self, folder):
        self.path = Path(folder) / "options"
        self.command = cli.parser("")
        cli.add_numpy_options(self.command)
        save_options.add_options(self.command)
        self.right = {
            "recipe": "np_nn", "model": "mlp", "hidden": [30, 20], "dropout": 0.5, "bias": True,
            "optimizer": "adam:betas=[0.9,0.99],eps=1e-6", "schedule": "step:gamma=0.5",
            "augment": "affine:rotate=5+elastic:alpha=20", "batch_size": 32, "epochs": 3,
            "class_weights": [1.0, 2.0], "loss": "focal:gamma=2", "shift": -0.5, "seed": [3],
        }  # fmt: skip
        self.state = {"model": {}, "best": None, "history": {}}

    def try_one(self, rng):
        options = self.right
        for _ in range(rng.choice((1, 3))):
            options = mutated_tree(options, rng)
        archive.write(self.path, self.state | {"recipe": options})
        with contextlib.redirect_stderr(io.StringIO()) as said:
            try:
                words = save_options.arguments(
                    self.command, ["--resume", str(self.path), "--no-plots"]
                )
                args = cli.parse(self.command, words)
            except SystemExit:
                raise nn.NpNNError(said.getvalue().removesuffix("\n")) from None
        assert args.json is None and args.save is None, "a file names where to write"  # noqa: PT018
        assert isinstance(args.settings, recipes.Recipe)


class Specs:
    """Optimizers, schedules, losses and distortions by name with options."""

    right = (
        ("adam:betas=[0.9,0.99],eps=1e-6", optim.OPTIMIZERS, ([],)),
        ("step:gamma=0.5,step_size=0.3", schedules.SCHEDULES, ()),
        ("focal:gamma=2", losses.LOSSES, ()),
        ("affine:rotate=5,scale=0.1", AUGMENTATIONS, ()),
    )

    def __init__(self, folder):
        pass

    def try_one(self, rng):
        text, table, arguments = rng.choice(self.right)
        text = mutated(text.encode(), rng).decode(errors="replace")
        spec.build(text, table, "name", *arguments)


class Logs:
    """Logs of JSON lines, to be appended to."""

    def __init__(self, folder):
        self.path = Path(folder) / "log"
        line = json.dumps({"epoch": 1, "step": 3, "loss": 0.5})
        self.right = f"{line}\n{line}\n".encode()

    def try_one(self, rng):
        self.path.write_bytes(mutated(self.right, rng))
        JSONLogger(self.path)._until(5)


class OwnFiles:
    """The user's own data sets: tables, arrays, zips, images, and Parquet if it is installed."""

    def __init__(self, folder):
        rng = np.random.default_rng(0)
        self.folder = Path(folder) / "own"
        images, labels = rng.integers(0, 256, (6, 4, 4), dtype=np.uint8), np.arange(6) % 2
        self.right = {
            "table.csv": _table(images, labels), "few.csv": b"a;b;class\n1;2.5;x\n2;1e3;y\n0;1;x\n",
            "arrays.npz": _npz(images, labels), "idx.zip": _zip(images, labels),
            "images/a/1.png": _image(images[0], "PNG"), "images/a/2.jpg": _image(images[1], "JPEG"),
            "images/b/1.bmp": _image(images[2], "BMP"), "images/b/2.tif": _image(images[3], "TIFF"),
        }  # fmt: skip
        if importlib.util.find_spec("pyarrow"):
            self.right["images.parquet"] = _parquet(images, labels)
        for name, content in self.right.items():
            self.write(name, content)

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def try_one(self, rng):
        name = rng.choice(list(self.right))
        path = self.write(name, mutated(self.right[name], rng))
        try:
            whole = (
                self.folder / "images" if path.suffix in (".png", ".jpg", ".bmp", ".tif") else path
            )
            nn.load(whole, quiet=True, image_size=4 if whole != path else None,
                    skip_unreadable=rng.random() < 0.2)  # fmt: skip
        finally:
            self.write(name, self.right[name])


def _table(images, labels):
    rows = [
        ",".join(map(str, (label, *image.flat)))
        for image, label in zip(images, labels, strict=True)
    ]
    return "\n".join(["label," + ",".join(f"p{i}" for i in range(16)), *rows]).encode()


def _npz(images, labels):
    stream = io.BytesIO()
    np.savez_compressed(stream, x_train=images, y_train=labels)
    return stream.getvalue()


def _zip(images, labels):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for role, array in (("images", images), ("labels", labels)):
            head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            content = gzip.compress(head + array.astype(np.uint8).tobytes())
            archive.writestr(f"emnist-train-{role}-idx{array.ndim}-ubyte.gz", content)
    return stream.getvalue()


def _image(pixels, form):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def _parquet(images, labels):
    import pyarrow as pa
    from pyarrow import parquet

    stream = io.BytesIO()
    encoded = [{"bytes": _image(image, "PNG"), "path": None} for image in images]
    parquet.write_table(pa.table({"image": encoded, "label": labels}), stream)
    return stream.getvalue()


def one_line(message):
    return len(message.splitlines()) == 1


# Kind of input: its fraction of the cases. 200,000 cases include 10,000 model files of each model.
KINDS = {IDXFiles: 0.15, Bytes: 0.15, Checkpoints: 0.1, ModelFiles: 0.35, Options: 0.03}
KINDS |= {Specs: 0.12, Logs: 0.07, OwnFiles: 0.03}


def fuzz(cases, seed, out=print):
    """Try `count` cases; return the number of failures: other errors, too much time or memory."""
    wrong, tried = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, share) in enumerate(KINDS.items()):
            target, rng, slowest = kind(folder), random.Random(f"{seed} {number}"), 0.0
            count, refused, failed = max(1, round(cases * share)), 0, 0
            for _ in range(count):
                started = time.process_time()
                try:
                    target.try_one(rng)
                except nn.NpNNError as error:
                    refused += 1
                    if not one_line(str(error)):
                        failed += 1
                        out(f"not one line: {error!r}")
                except Exception:
                    failed += 1
                    out(traceback.format_exc())
                slowest = max(slowest, time.process_time() - started)
            failed += slowest > MOST_SECONDS
            out(
                f"{kind.__name__:12} {count:>7,} tried, {refused:>7,} refused, "
                f"{failed} went wrong; the slowest took {slowest * 1e3:.0f} ms"
            )
            wrong, tried = wrong + failed, tried + count
    out(f"{tried:,} mutated inputs: {wrong} went wrong")
    return wrong


def limit_memory():
    """Limit the memory to what is in use plus MOST_BYTES; a MemoryError counts as wrong."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("error")
    if sys.platform == "linux":
        limit_memory()
    return fuzz(args.cases, args.seed) > 0


if __name__ == "__main__":
    sys.exit(main())
