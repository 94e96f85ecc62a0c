"""Show a data set: images per class, their shape and preparation, and a picture of samples."""

from pathlib import Path

import numpy as np

from np_nn import cli
from np_nn.data import preparation
from np_nn.data.split import is_stored
from np_nn.data.stored import layout, reading
from np_nn.utils.errors import NpNNError
from np_nn.utils.markdown import markdown_table

PREPARED = {  # how predict prepares a file, for each kind of Preparation
    preparation.DIGIT: "an image file's digit is found, cropped, fitted and centred as in MNIST",
    preparation.IMAGE: "an image file is resized",
    preparation.FEATURES: "each feature is standardized: its mean is subtracted, then it is "
    "divided by its standard deviation",
    preparation.ARRAY: "arrays are taken as they are",
}


def parser():
    command = cli.Parser(description=__doc__)
    add = command.add_argument
    cli.add_dataset(add, "dataset", "the data set: a known name, a folder or a file")
    cli.add_data_options(add)
    cli.add_picture_options(add, "samples")
    cli.add_report_options(add)
    add("--verify", action="store_true", help="check the SHA-256 of a stored set's samples first")
    add("--quiet", action="store_true", help="no progress, only the report")
    return command


def main(argv=None):
    args = cli.parse(parser(), argv)
    if args.verify:
        if not layout.is_there(Path(args.dataset)):
            raise NpNNError(f"--verify checks a stored set, which {args.dataset} is not")
        reading.read(Path(args.dataset), args.dataset, args.quiet, again=True)
    found = cli.read(args, args.dataset)
    content = facts(found)
    pictures = [] if args.no_plots else [lambda: [_draw(found, args)]]
    cli.conclude([], text(found, content), args.json, lambda: content, pictures)
    return 0


def facts(found):
    """Return the facts of a Dataset as plain data."""
    counts = zip(*(_counts(split, found) for split in (found.train, found.test)), strict=True)
    own = found.preparation
    return {
        "dataset": found.name,
        "classes": list(found.classes),
        "counts": [
            {"class": name, "train": train, "test": test}
            for name, (train, test) in zip(found.classes, counts, strict=True)
        ],
        "n_train": len(found.train),
        "n_test": len(found.test),
        "shape": list(own.shape),
        "columns": list(own.columns),
        "preparation": own.kind,
        "black": _black(found.train.images),
        "remarks": [*found.remarks, *([found.note] if found.note else [])],
    }


def text(found, content):
    """Return the facts of a Dataset as lines and a table."""
    rows = [(row["class"], f"{row['train']:,}", f"{row['test']:,}") for row in content["counts"]]
    total = "all", f"{content['n_train']:,}", f"{content['n_test']:,}"
    lines = [
        f"{found.title}: {len(found.classes)} classes; each sample {_shape(found.preparation)}",
        f"for predict {PREPARED[found.preparation.kind]}",
    ]
    if content["black"] is not None:
        lines.append(f"{content['black']:.0%} of the training images' pixels are black")
    table = markdown_table(("class", "training", "test"), [*rows, total])
    return "\n".join([*lines, *content["remarks"], "", table])


def _counts(split, found):
    """Return the number of samples of each class in a Split."""
    return np.bincount(split.labels, minlength=len(found.classes)).tolist()


def _black(images):
    """Return the fraction of pixels that are 0; None if the samples are not uint8."""
    if images.dtype != np.uint8:
        return None
    numbers = images.numbers if is_stored(images) else images
    return (images.size - np.count_nonzero(numbers)) / images.size


def _shape(own):
    """Describe the shape of one sample in words."""
    if own.kind == preparation.FEATURES or len(own.shape) == 1:
        return f"{own.shape[0]} features"
    if len(own.shape) not in (2, 3):
        return f"an array of shape {own.shape}"
    *channels, height, width = own.shape
    colour = {(): "grey ", (1,): "grey ", (3,): "RGB "}.get(tuple(channels), "")
    return f"a {colour}image of {height} x {width} pixels"


def _draw(found, args):
    from np_nn import plots

    return plots.plot_samples(found, Path(args.out) / f"samples.{args.format}")
