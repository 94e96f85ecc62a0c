"""Data of the page's training: the kernels as WebAssembly, and images to train with."""

import base64
import gzip
from pathlib import Path

import np_nn as nn
from np_nn.utils.errors import NpNNError

MODULE = Path(__file__).with_name("train.wasm")  # of kernels/wasm/build.py; wheels carry it
TESTED = 5  # training images per test image


def facts(count=0, dataset="mnist"):
    """Return {"module", "images"} as plain values; each is None if there is none.

    images: {"dataset", "train", "test", "bytes"}: the name, the counts, and pixels followed by
    labels. count: number of first training images that the page holds, with count / TESTED of the
    test images. dataset: a data set of 28 x 28 pixels.
    """
    module = _packed(MODULE.read_bytes()) if MODULE.is_file() else None
    return {"module": module, "images": _images(count, dataset) if count else None}


def _images(count, dataset):
    data = nn.load(dataset, quiet=True)
    if count > len(data.train):
        most = len(data.train)
        raise NpNNError(
            f"--images {count}: {dataset} has {most} training images, give at most {most}"
        )
    counts = count, max(1, count // TESTED)
    splits = list(zip((data.train, data.test), counts, strict=True))
    parts = [split.images[:n].tobytes() for split, n in splits]
    parts += [split.labels[:n].astype("u1").tobytes() for split, n in splits]
    content = {"dataset": dataset, "bytes": _packed(b"".join(parts))}
    return content | dict(zip(("train", "test"), counts, strict=True))


def _packed(content):
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()
