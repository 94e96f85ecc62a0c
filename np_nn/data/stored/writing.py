"""Writing of a stored set, one shard after another, so that a killed run can continue."""

import math
import os

from np_nn.data.formats.found import TRAIN
from np_nn.data.stored import layout
from np_nn.data.stored.layout import COMPLETE, UNFINISHED, Shard
from np_nn.utils import files
from np_nn.utils.errors import DataError, NpNNError

BLOCK_BYTES = 2**22  # stored bytes of a block of the shuffled order, which the disk reads in one go
WINDOW = 32  # blocks that are shuffled together


class Writing:
    """Stored set being written.

    storing.json describes the shards that are complete; bytes beyond them belong to a shard that a
    killed run left, and are written again. Two runs that write one set write the same bytes.

    folder: Path. facts: of the description; "plan" determines all bytes. Raises NpNNError for a
    folder that cannot be written, or that holds anything but the beginning of this set.
    """

    def __init__(self, folder, facts):
        check_folder(folder)
        self.folder, self.facts = folder, {**layout.FORMAT, **facts, "parts": {}}
        if (folder / UNFINISHED).is_file():
            self.facts = layout.read_description(folder, UNFINISHED)
            if self.facts["plan"] != facts["plan"]:
                raise DataError(
                    f"{folder}: holds the beginning of another set: delete it, or name a new folder"
                )
        files.check_writable(folder)
        layout.write_description(folder, UNFINISHED, self.facts)  # before any other file

    def begin(self, part, samples, scale, shift, compressed):
        """Describe a part by its first samples, or check that they are like those of before."""
        about = {
            "shape": list(samples.shape[1:]), "dtype": samples.dtype.name,
            "compressed": compressed, "scale": scale, "shift": shift,
        }  # fmt: skip
        known = self.facts["parts"].setdefault(part, {**about, "classes": 0, "shards": []})
        for one in (known, *self.facts["parts"].values()):
            for name in ("shape", "dtype"):
                if about[name] != one[name]:
                    raise DataError(
                        f"samples of {name} {about[name]}, but others are {one[name]}: store alike "
                        "samples"
                    )

    def done(self, part):
        """Return the number of complete shards of a part."""
        return len(self.facts["parts"].get(part, {"shards": ()})["shards"])

    def add(self, part, number, arrays):
        """Write shard `number` of a part, see ``layout.encode``; return its number of samples.

        Raises NpNNError if it is complete already, and had other samples.
        """
        about, shard = self.facts["parts"][part], Shard.of(arrays)
        if number < len(about["shards"]):
            if list(shard) != list(about["shards"][number]):
                raise DataError(
                    f"{self.folder}: holds the beginning of another set (other {part}ing samples): "
                    "delete it, or name a new folder"
                )
            return shard.samples
        try:
            self._write(part, about, arrays)
            about["shards"].append(list(shard))
            about["classes"] = max(about["classes"], int(arrays["labels"].max()) + 1)
            layout.write_description(self.folder, UNFINISHED, self.facts)
        except NpNNError as error:
            raise NpNNError(f"{error}; the same command continues where this one ended") from error
        return shard.samples

    def _write(self, part, about, arrays):
        samples, entries = layout.counts(about)
        places = {"columns": entries, "values": entries}
        if "indptr" in arrays:
            arrays = arrays | {"indptr": arrays["indptr"][min(samples, 1) :] + entries}
            places["indptr"] = samples + min(samples, 1)
        for name, array in arrays.items():
            row = array.itemsize * math.prod(array.shape[1:])
            offset = places.get(name, samples) * row
            files.write_at(layout.path(self.folder, part, name), offset, layout.as_bytes(array))

    def finish(self, classes):
        """Complete the set: write its description last. classes: names; None: their numbers.

        Raises NpNNError for labels that are not classes.
        """
        parts, most = self.facts["parts"], max(p["classes"] for p in self.facts["parts"].values())
        if classes is None:
            classes = [str(number) for number in range(most)]
        if len(classes) < most:
            raise DataError(f"label {most - 1}, but there are names of {len(classes)} classes only")
        self._cut()
        block = _block(parts[TRAIN])
        self.facts |= {"classes": list(classes), "shuffle": [block, block * WINDOW]}
        layout.write_description(self.folder, COMPLETE, self.facts)

    def _cut(self):
        """Cut the files to their sizes: a killed run may have written more."""
        for part, about in self.facts["parts"].items():
            for name, size in layout.sizes(about).items():
                path = layout.path(self.folder, part, name)
                try:
                    os.truncate(path, size)
                except OSError as error:
                    raise NpNNError(f"cannot write {path}: {error.strerror}") from error

    @property
    def counts(self):
        """{part: number of samples stored}."""
        return {part: layout.counts(about)[0] for part, about in self.facts["parts"].items()}


def check_folder(folder):
    """Raise DataError for a folder that holds anything but the beginning of a stored set."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: not a folder; name a new one")
    try:
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror}") from error
    there = sorted(name for name in names if name[0] != ".")  # parts of a description are hidden
    if there and UNFINISHED not in there:
        raise DataError(f"{folder}: holds other files, such as {there[0]}; name a new folder")


def _block(about):
    """Return the number of samples per block of the order: as many as BLOCK_BYTES hold."""
    samples, _ = layout.counts(about)
    return max(1, BLOCK_BYTES * samples // sum(layout.sizes(about).values()))
