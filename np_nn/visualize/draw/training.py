"""Facts of the page's training: the kernels as WebAssembly, and images to train with."""

import base64
import gzip
from pathlib import Path

import np_nn as nn
from np_nn.utils.errors import NpNNError

MODULE = Path(__file__).with_name("train.wasm")  # of kernels/wasm/build.py; wheels carry it
TESTED = 5  # times as many images are trained with as tested with


def facts(count=0):
    """Return {"module", "images"} as plain values; each is None where there is none.

    count: of MNIST's first training images in the page, with as many of its test images as are
    count / TESTED. images: {"train", "test", "bytes"}: two counts; pixels, then labels.
    """
    module = _packed(MODULE.read_bytes()) if MODULE.is_file() else None
    return {"module": module, "images": _images(count) if count else None}


def _images(count):
    data = nn.load("mnist", quiet=True)
    if count > len(data.train):
        raise NpNNError(f"--images {count}: MNIST has {len(data.train)} training images")
    counts = count, max(1, count // TESTED)
    splits = list(zip((data.train, data.test), counts, strict=True))
    parts = [split.images[:n].tobytes() for split, n in splits]
    parts += [split.labels[:n].astype("u1").tobytes() for split, n in splits]
    return dict(zip(("train", "test"), counts, strict=True)) | {"bytes": _packed(b"".join(parts))}


def _packed(content):
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()
