"""Classify files of your own with a saved model: photos, scans, rows of a table."""

import csv
import io
import shutil
import sys
from dataclasses import dataclass

import numpy as np

from np_nn import cli
from np_nn.analysis.confidence import confidences
from np_nn.cli import blocks, outputs
from np_nn.cli.name import program_name
from np_nn.cli.options import PICTURES
from np_nn.data.formats.images import is_image
from np_nn.data.preparation import DIGIT, IMAGE
from np_nn.data.samples import read_images
from np_nn.saving.model_file import load_model
from np_nn.training.fit import predict
from np_nn.utils import files
from np_nn.utils.converters import file_path
from np_nn.utils.errors import NpNNError, shown, unknown_name
from np_nn.utils.markdown import markdown_table
from np_nn.utils.progress import counter

DRAWN = 6  # maximum inputs shown on a terminal
NARROWEST = 60  # minimum columns of a terminal that shows them


@dataclass(frozen=True)
class Prediction:
    """Prediction of a model for one sample.

    name: name of the file, with a number if it holds several samples. top: (class, value) of the
    best classes, the best first.
    """

    name: str
    top: list


def parser():
    command = cli.Parser(description=__doc__)
    add = command.add_argument
    cli.add_model_file(add)
    add(
        "files", type=file_path, nargs="+", metavar="FILE",
        help="image files, or folders of them; tables or .npy files for a model of such",
    )  # fmt: skip
    add(
        "--top", type=cli.whole_number(1), default=3, metavar="N",
        help="number of likeliest classes to name (default: 3)",
    )  # fmt: skip
    cli.add_json_option(add)
    add("--csv", type=file_path, metavar="FILE", help="also write the results as a CSV table")
    add(
        "--picture", type=file_path, metavar="FILE",
        help=f"draw the inputs with their predictions; endings: {', '.join(PICTURES)}",
    )  # fmt: skip
    cli.add_threads_option(add)
    cli.add_kernels_option(add)
    add("--quiet", action="store_true", help="no progress and no inputs, only the table")
    return command


def main(argv=None):
    args = cli.parse(parser(), argv)
    model = load_model(args.model_file)
    _check(args, model.info.preparation)
    samples, names, failed = read(args, model.info.preparation)
    if names:
        _conclude(args, model, samples, names)
    for line in failed:
        print(f"{program_name()}: error: {line}", file=sys.stderr)
    return 2 if failed else 0


def _check(args, preparation):
    """Raise NpNNError for a model without a preparation, and for a --picture of features."""
    if not preparation.shape:
        raise NpNNError(
            f"{args.model_file} does not describe its inputs: save the model with "
            "nn.save_model(model, path, info)"
        )
    if args.picture:
        ending = args.picture.suffix.removeprefix(".")
        if ending not in PICTURES:
            raise unknown_name("ending of --picture", ending, PICTURES)
        if len(preparation.shape) == 1:
            raise NpNNError(
                f"--picture draws images, and {args.model_file} takes features: leave it out"
            )


# ---- Input files ------------------------------------------------------------------------------


def read(args, preparation):
    """Return the samples (n, ...) of the files, their names, and a line for each that fails."""
    samples, names, failed = [], [], []
    paths = list(_expanded(args.files, failed, preparation))
    for path in paths:
        outputs.check_input(args, "the input", path)
    with counter(len(paths), "reading", "file", args.quiet) as bar:
        for path in paths:
            try:
                own = read_images([path], preparation)
            except NpNNError as error:
                failed.append(str(error))
            else:
                samples.append(own)
                names += _names(path, len(own))
            bar.update(1)
    return np.concatenate(samples) if samples else None, names, failed


def _expanded(paths, failed, preparation):
    """Yield the paths; a folder is replaced by its images, sorted by name."""
    for path in paths:
        if not path.is_dir():
            yield path
        elif preparation.kind not in (DIGIT, IMAGE):
            failed.append(f"{shown(path)}: a folder, but the model takes no images: name the files")
        elif found := sorted(file for file in path.iterdir() if is_image(file)):
            yield from found
        else:
            failed.append(f"{shown(path)}: no image file in this folder")


def _names(path, count):
    """Return the names of a file's samples: its path, numbered if there are several."""
    name = str(path)
    return [name] if count == 1 else [f"{name}:{number}" for number in range(1, count + 1)]


# ---- Predictions ------------------------------------------------------------------------------


def _conclude(args, model, samples, names):
    """Predict, write what the arguments ask for, and print the table."""
    split = model.info.preparation.split(samples)
    values, sure = confidences(model, predict(model, split))
    classes = model.info.classes or tuple(map(str, range(values.shape[1])))
    found = predictions(values, classes, names, args.top)
    word = "probability" if sure else "score"
    writers = []
    if args.csv:
        writers += [lambda: [files.write_file(args.csv, as_csv(found, word).encode())]]
    if args.picture:
        writers += [lambda: [_draw(args, split.images, found, sure)]]
    report = text(args, model.info, found, word)
    if _shows_inputs(args, model.info.preparation):
        report += f"\n\n{_inputs(split.images, found)}"
    cli.conclude(writers, report, args.json, lambda: as_dicts(found, word))


def predictions(values, classes, names, most):
    """Return a Prediction of each sample.

    Args:
        values: (n, C), probabilities or scores.
        classes: C names of classes.
        names: n names of samples.
        most: maximum number of classes in ``top``.
    """
    order = np.argsort(-values, axis=1, kind="stable")[:, :most]
    return [
        Prediction(name, [(classes[c], float(row[c])) for c in best])
        for name, row, best in zip(names, values, order, strict=True)
    ]


def as_dicts(found, word):
    """Return Predictions as plain data. word: name of the values."""
    return [
        {
            "file": one.name,
            "class": one.top[0][0],
            word: one.top[0][1],
            "top": [{"class": name, word: value} for name, value in one.top],
        }
        for one in found
    ]


def as_csv(found, word):
    """Return Predictions as the text of a CSV table. word: name of the values."""
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    more = [f"{what}_{i}" for i in range(2, 1 + len(found[0].top)) for what in ("class", word)]
    writer.writerow(["file", "class", word, *more])
    writer.writerows([one.name, *(cell for pair in one.top for cell in pair)] for one in found)
    return table.getvalue()


def text(args, info, found, word):
    """Return the report: the model, the preparation of files, and a line for each sample."""
    form, kind = _form(word == "probability"), info.preparation.kind
    shape = " x ".join(map(str, info.preparation.shape))
    header = [
        f"{args.model_file}{f', trained on {shown(info.dataset)}' if info.dataset else ''}; "
        f"inputs: {shape}, prepared as {kind}",
        "",
    ]
    rows = [(shown(one.name), *_cells(one.top, form)) for one in found]
    titles = ["file", "class", word, "next"]
    width = 3 if len(found[0].top) == 1 else 4
    return "\n".join([*header, markdown_table(titles[:width], [row[:width] for row in rows])])


def _cells(top, form):
    best, *others = [(shown(name), form.format(value)) for name, value in top]
    return *best, ", ".join(f"{name} {value}" for name, value in others)


def _form(sure):
    return "{:.1%}" if sure else "{:.2f}"


def _draw(args, images, found, sure):
    from np_nn import plots

    names, tops = [one.name for one in found], [one.top for one in found]
    title = f"Predictions of {args.model_file.name}"
    return plots.plot_predictions(images, names, tops, args.picture, title, _form(sure))


def _shows_inputs(args, preparation):
    """Return whether stdout is a terminal that can show images as text."""
    if args.quiet or outputs.is_stdout(args.json) or len(preparation.shape) == 1:
        return False
    try:
        blocks.BLOCKS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return sys.stdout.isatty() and shutil.get_terminal_size().columns >= NARROWEST


def _inputs(images, found):
    """Return the first images as text, each below its name and its predicted class."""
    titles = [f"{shown(one.name)}: {shown(one.top[0][0])}" for one in found[:DRAWN]]
    return blocks.side_by_side(images[:DRAWN], titles, shutil.get_terminal_size().columns)
