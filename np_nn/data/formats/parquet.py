"""Reader of Hugging Face's Parquet files: encoded images with labels, or a table."""

import json
from pathlib import Path

import numpy as np

from np_nn.data.formats import images, table
from np_nn.data.formats.found import Found, Part, assign, part_of
from np_nn.utils.errors import DataError, shown
from np_nn.utils.optional import need

IMAGES = ("image", "img", "images", "picture", "pixel_values")


def read(paths, options):
    """Return the Found of Parquet files, one or more for training and any number for testing.

    Raises DataError for a file that cannot be read, and NpNNError without the package pyarrow.
    """
    need("pyarrow", "reading Parquet")
    groups = {}
    for path in sorted(map(Path, paths)):
        part = part_of(path.stem) or part_of(path.parent.name)  # also train/0000.parquet
        groups.setdefault(part or "", []).append(path)
    parts, remarks = assign(groups)
    if not parts:
        raise DataError(f"{Path(paths[0]).parent}: no file is called train-....parquet")
    first = _Schema(next(iter(parts.values()))[0], options)
    read_part = _images if first.image is not None else _numbers
    samples, labels = {}, {}
    for part, files in parts.items():
        samples[part], labels[part] = read_part(files, first, options)
    if first.image is not None:
        samples, labels, more = _decoded(samples, labels, options)
        remarks += more
    found = {part: Part(samples[part], labels[part]) for part in parts}
    columns = first.features if first.image is None else ()
    files = tuple(path for group in parts.values() for path in group)
    return Found(found, first.names, columns, files, remarks)


class _Schema:
    """Columns of a Parquet file.

    image: name of the column of encoded images, or None. label: name of the column of labels.
    features: names of the others. names: {label: name of its class} of Hugging Face's ClassLabel.
    """

    def __init__(self, path, options):
        import pyarrow as pa

        schema = _open(path).schema_arrow
        names = schema.names
        encoded = [n for n in names if _holds_bytes(schema.field(n).type, pa)]
        self.image = min(encoded, key=lambda n: n.lower() not in IMAGES) if encoded else None
        rest = [name for name in names if name != self.image]
        if not rest:
            raise DataError(f"{path}: no column of labels")
        self.label = rest[table.label_column(path, rest, options.label)]
        self.features = tuple(name for name in rest if name != self.label)
        self.names = dict(enumerate(_class_names(schema.metadata, self.label)))


def _open(path):
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def _damaged(path, error):
    return DataError(
        f"{path}: not a Parquet file that can be read: {shown(' '.join(str(error).split()))}"
    )


def _holds_bytes(kind, pa):
    """Return whether a type is binary, or a struct with a field "bytes"."""
    if pa.types.is_struct(kind):
        return kind.get_field_index("bytes") >= 0
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _class_names(metadata, label):
    """Return a column's class names from Hugging Face's metadata; () if there are none."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        names = features[label]["names"]
        names = names if isinstance(names, list) else list(names.values())
        return tuple(map(str, names))
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()


def _columns(path, wanted):
    """Return {name: list of values} of a file's columns."""
    import pyarrow as pa

    try:
        found = _open(path).read(columns=list(wanted))
        return {name: found.column(name) for name in wanted}
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise _damaged(path, error) from None


def _images(files, schema, options):
    """Return ([(name, bytes)], labels) of files of encoded images."""
    images, labels = [], []
    for path in files:
        columns = _columns(path, (schema.image, schema.label))
        for number, value in enumerate(columns[schema.image].to_pylist()):
            content = value.get("bytes") if isinstance(value, dict) else value
            images.append((f"{path}: row {number}", content or b""))
        labels += _labels(path, columns[schema.label])
    return images, labels


def _labels(path, column):
    labels = column.to_pylist()
    if None in labels:
        raise DataError(f"{path}: row {labels.index(None)} has no label")
    if labels and not isinstance(labels[0], int | str | float):
        raise DataError(f"{path}: labels are {type(labels[0]).__name__}, not numbers or text")
    return labels


def _decoded(samples, labels, options):
    """Return (images, labels, remarks) of all parts, decoded to one size and channel count."""
    every = [entry for part in samples.values() for entry in part]
    pixels, kept, remarks = images.read_all(
        [content for _, content in every], [name for name, _ in every],
        options.image_size, options.channels, skip=options.skip, quiet=options.quiet,
    )  # fmt: skip
    kept, start, arrays, texts = np.array(kept, np.int64), 0, {}, {}
    for part, entries in samples.items():
        rows = (start <= kept) & (kept < start + len(entries))
        arrays[part] = pixels[rows]
        texts[part] = [labels[part][i - start] for i in kept[rows]]
        start += len(entries)
    return arrays, texts, remarks


def _numbers(files, schema, options):
    """Return (samples (n, I), labels) of files of numbers."""
    wanted = options.columns or schema.features
    parts, labels = [], []
    for path in files:
        columns = _columns(path, (*wanted, schema.label))
        for name in wanted:
            if columns[name].null_count:
                raise DataError(f"{path}: column {shown(name)} has an empty cell")
        arrays = [np.asarray(columns[name]) for name in wanted]
        for name, array in zip(wanted, arrays, strict=True):
            if array.dtype.kind not in "biuf":
                raise DataError(f"{path}: column {shown(name)} holds {array.dtype}, not numbers")
        parts.append(np.stack(arrays, axis=1))
        labels += _labels(path, columns[schema.label])
    return np.concatenate(parts), labels
