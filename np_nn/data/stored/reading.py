"""Reading of a stored set: its files are mapped into memory, not copied."""

import json
from contextlib import suppress

from np_nn.data.dataset import Dataset
from np_nn.data.formats.found import TEST, TRAIN
from np_nn.data.preparation import Preparation
from np_nn.data.split import Split
from np_nn.data.stored import layout
from np_nn.data.stored.images import Files, StoredImages
from np_nn.data.stored.layout import CHECKED, COMPLETE, UNFINISHED, Shard
from np_nn.utils import files, plain
from np_nn.utils.errors import DataError, NpNNError
from np_nn.utils.progress import counter


def read(folder, name, quiet=False, again=False):
    """Return the Dataset of a stored set.

    The SHA-256 of all samples are checked when the files have other sizes or times than at the
    last check, which checked.json holds.

    Args:
        folder: Path.
        name: name of the set.
        quiet: hide the progress bar.
        again: check the samples in any case.

    Raises:
        DataError: for a set that is not complete, damaged or of another version.
    """
    if not (folder / COMPLETE).is_file() and (folder / UNFINISHED).is_file():
        raise DataError(f"{folder}: not completely stored: the same np-nn store continues")
    facts = layout.read_description(folder, COMPLETE)
    parts = {
        part: Files(folder, part, about, facts["digest"], facts["shuffle"])
        for part, about in facts["parts"].items()
    }
    stamps = {path.name: stamp for one in parts.values() for path, stamp in one.stamps.items()}
    if again or stamps != _checked(folder):
        for part in parts.values():
            _check(folder, part, quiet)
        with suppress(NpNNError):  # a folder that cannot be written is checked each time
            files.write_file(folder / CHECKED, json.dumps(stamps).encode())
    return Dataset(
        name, _split(parts[TRAIN]), _split(parts[TEST]), tuple(facts["classes"]),
        note=facts["note"], reason=facts["reason"], remarks=tuple(facts["remarks"]),
        preparation=plain.read(Preparation, facts["preparation"], str(folder / COMPLETE)),
        files=(folder,),
    )  # fmt: skip


def _split(part):
    images = StoredImages(part, 0, layout.counts(part.about)[0])
    return Split(images, part.arrays["labels"], part.about["scale"], part.about["shift"])


def _checked(folder):
    """Return {file: stamp} of the last check; None if there was none."""
    with suppress(NpNNError, ValueError):
        return json.loads(files.read_file(folder / CHECKED, layout.MOST_BYTES))
    return None


def _check(folder, part, quiet):
    """Raise DataError unless all samples of a part have their SHA-256."""
    samples = entries = 0
    total = layout.counts(part.about)[0]
    with counter(total, f"checking {folder.name}", " samples", quiet) as bar:
        for shard in part.about["shards"]:
            wanted = Shard(*shard)
            last, end = samples + wanted.samples, entries + wanted.entries
            arrays = {
                name: array[samples:last] if name in ("labels", "images") else array[entries:end]
                for name, array in part.arrays.items()
            }
            if "indptr" in arrays:
                arrays["indptr"] = part.arrays["indptr"][samples : last + 1] - entries
            if Shard.of(arrays) != wanted:
                raise DataError(
                    f"{folder}: {part.part}ing samples {samples:,} to {last - 1:,} are damaged, "
                    f"their SHA-256 is wrong: {layout.AGAIN}"
                )
            samples, entries = last, end
            bar.update(wanted.samples)
