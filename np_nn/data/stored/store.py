"""Storing of a data set, so that networks train from the disk."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

import numpy as np

from np_nn.data.augmentation import named
from np_nn.data.dataset import Dataset
from np_nn.data.fingerprint import fingerprint
from np_nn.data.formats.found import TEST, TRAIN
from np_nn.data.preparation import ARRAY, IMAGE, Preparation
from np_nn.data.split import SplitLike, as_split, is_sparse
from np_nn.data.stored import layout, reading, sources
from np_nn.data.stored.writing import Writing
from np_nn.utils.checks import check_range
from np_nn.utils.converters import file_path
from np_nn.utils.errors import DataError, NpNNError
from np_nn.utils.plain import plain
from np_nn.utils.progress import counter
from np_nn.utils.seeds import checked
from np_nn.utils.types import Array, ArrayLike, PathLike

# Of copies; that of the recipe "distorted".
DISTORTION = "affine:rotate=7,scale=0.1,shear=5,shift=0.5+elastic:alpha=20,sigma=4"
MOST_COPIES = 10**6
MOST_JOBS = 1024


def store(
    source: Dataset | Iterator[tuple[ArrayLike, ArrayLike]], folder: PathLike, *,
    test: SplitLike | None = None, classes: Iterable[object] | None = None, distort: int = 0,
    augment: Callable[[Array, np.random.Generator], Array] | None = None, seed: int = 0,
    jobs: int = 1, quiet: bool = False,
) -> Dataset:  # fmt: skip
    """Pour a data set into a folder, a shard at a time, and return it as `load` reads it there.

    Images of few non-zero pixels become compressed rows, others and floats stay as they are. After
    an interruption, the same call continues; the bytes in the folder are the same for any number of
    jobs.

    Args:
        source: `Dataset`; or, for more than fits into memory, an iterator over blocks of training
            samples, (images (m, ...), labels (m,) int), in the order in which they are stored. A
            call that continues must be given the same blocks again.
        folder: a new folder.
        test: `Split` or pair (x, y) of test samples; for an iterator.
        classes: names of the classes 0, 1 ...; for an iterator. None: the numbers themselves.
        distort: number of distorted copies of the training images to store in their place, for a
            Dataset. 0: the images themselves.
        augment: function (images, rng) -> images that distorts; None: `Affine` and `Elastic`.
        seed: seed of the distortions, int >= 0.
        jobs: number of processes that distort.
        quiet: hide the progress bar.

    Raises:
        DataError: for samples or labels that cannot be stored, and for a folder that holds anything
            but the beginning of this set.
        NpNNError: for a disk that is full, and for arguments that do not fit together.
    """
    check_range("store: jobs", jobs, most=MOST_JOBS)
    check_range("store: distort", distort, 0, MOST_COPIES)
    if augment is not None and not distort:
        raise NpNNError("store: augment distorts copies: give their number with distort")
    where = file_path(folder)
    if isinstance(source, Dataset):
        if test is not None or classes is not None:
            raise NpNNError("store: a Dataset has its own test samples and classes")
        augment = (augment or named(DISTORTION)) if distort else None
        parts, facts = _of_dataset(source, distort, augment, checked(seed))
        classes = source.classes
    else:
        if distort:
            raise NpNNError("store: distort is for a Dataset; distort the blocks of an iterator "
                            "before they are stored")  # fmt: skip
        if test is None:
            raise NpNNError("store: an iterator needs test samples: give test=(x, y)")
        classes = None if classes is None else tuple(map(str, classes))
        parts, facts = _of_blocks(source, as_split(test), classes)
    if (where / layout.COMPLETE).is_file():
        _check_same(where, facts)
    else:
        writing = Writing(where, facts)
        for part, shards in parts.items():
            _pour(writing, part, shards, jobs, quiet)
        writing.finish(classes)
    with suppress(OSError):
        (where / layout.UNFINISHED).unlink()
    return reading.read(where, where.name or str(where), quiet)


def _of_dataset(source, distort, augment, seed):
    """Return {part: source of its shards} and the facts of the description of a Dataset."""
    for split in (source.train, source.test):
        sources.check(split)
    parts = {
        TEST: sources.Arrays(source.test),
        TRAIN: sources.Arrays(source.train, distort, augment, seed),
    }
    plan = {"train": fingerprint(source.train), "test": fingerprint(source.test)}
    remarks = list(source.remarks)
    if distort:
        plan |= {"copies": distort, "augment": _text(augment), "seed": seed}
        remarks.append(f"{distort:,} distorted copies of the training images, seed {seed}")
    facts = {
        "plan": {**plan, "name": source.name, "classes": source.classes}, "note": source.note,
        "reason": source.reason, "remarks": remarks, "preparation": source.preparation,
    }  # fmt: skip
    return parts, plain(facts)


def _of_blocks(blocks, test, classes):
    """Return {part: source of its shards} and the facts of the description of an iterator."""
    sources.check(test)
    parts = {TEST: sources.Arrays(test), TRAIN: sources.Blocks(blocks)}
    pixels, shape = test.images.dtype == np.uint8, test.images.shape[1:]
    kind = IMAGE if pixels and len(shape) > 1 else ARRAY
    preparation = Preparation(kind, shape, pixels, scale=test.scale, shift=test.shift)
    facts = {
        "plan": {"test": fingerprint(test), "classes": classes}, "note": "", "reason": "",
        "remarks": [], "preparation": preparation,
    }  # fmt: skip
    return parts, plain(facts)


def _pour(writing, part, source, jobs, quiet):
    """Write the shards of a part that are not complete yet."""
    first, done = source.first, writing.done(part)
    writing.begin(part, first.images, first.scale, first.shift, is_sparse(first.images))
    start = 0 if source.samples is None else done
    stored = writing.counts[part] if start else 0
    compressed = writing.facts["parts"][part]["compressed"]
    with counter(source.samples, f"storing {part}", " samples", quiet) as bar:
        bar.update(stored)
        for number, arrays in enumerate(source.shards(start, compressed, jobs), start):
            bar.update(writing.add(part, number, arrays))


def _check_same(folder, facts):
    """Raise DataError unless the complete set in a folder is the one to be stored."""
    same = layout.read_description(folder, layout.COMPLETE)["plan"] == facts["plan"]
    if not same or "train" not in facts["plan"]:  # the blocks of an iterator are not known
        raise DataError(f"{folder}: holds a complete stored set already: name a new folder")


def _text(augment):
    """Return an augmentation as text that is the same in every process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", str(augment))
