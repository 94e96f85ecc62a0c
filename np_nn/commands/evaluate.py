"""Test a saved model: accuracy, loss, recall of each class, and confusion matrix."""

import dataclasses
from pathlib import Path

import numpy as np

from np_nn import cli, ops
from np_nn.analysis import metrics
from np_nn.cli.classes import confusion_text, recall_table
from np_nn.data.matching import renumbered
from np_nn.data.sources import names
from np_nn.recipes import Recipe, build
from np_nn.recipes.prepare import targets
from np_nn.recipes.recipe import hyperparameters
from np_nn.saving.model_file import load_model
from np_nn.training.fit import evaluate
from np_nn.utils import machine
from np_nn.utils.converters import one_of
from np_nn.utils.errors import NpNNError
from np_nn.utils.markdown import markdown_table

PARTS = ("test", "train", "all")  # of a data set
PACKAGES = ("np_nn", "numpy")


def parser():
    command = cli.Parser(description=__doc__)
    add = command.add_argument
    cli.add_model_file(add)
    cli.add_dataset(add, "--dataset", "data set (default: the model's training data)")
    add(
        "--part", type=one_of("part", PARTS), default="test", metavar="NAME",
        help=f"part of the data set: {', '.join(PARTS)} (default: test)",
    )  # fmt: skip
    cli.add_data_options(add)
    cli.add_threads_option(add)
    cli.add_kernels_option(add)
    cli.add_picture_options(add, "evaluation")
    cli.add_report_options(add)
    add("--quiet", action="store_true", help="no warnings, only the report")
    return command


def main(argv=None):
    args = cli.parse(parser(), argv)
    model = load_model(args.model_file)
    info = model.info
    _check(info, args)
    found = cli.read(args, args.dataset or trained_on(info), info.preparation)
    data = prepared(found, info, args.part)
    answer = evaluate(model, data.test, loss(info, data), keep=True)
    scores = metrics.read(answer.outputs, data.test.labels)
    content = as_dict(answer, scores, data, args)
    pictures = [] if args.no_plots else [lambda: _draw(data, scores, args)]
    cli.conclude([], text(content, data, args), args.json, lambda: content, pictures)
    return 0


def trained_on(info):
    """Return the name of the data set that a model was trained on; for own data the path."""
    return info.dataset if info.dataset in names() else info.recipe.get("dataset", info.dataset)


def _check(info, args):
    """Raise NpNNError if a model file names no classes, or neither it nor --dataset a data set."""
    if not info.classes:
        raise NpNNError(
            f"{args.model_file} names no classes: save it with nn.save_model(model, path, info)"
        )
    if not (args.dataset or trained_on(info)):
        raise NpNNError(f"{args.model_file} names no data set: give one with --dataset")


# ---- Test data ------------------------------------------------------------------------------


def prepared(data, info, part):
    """Return a Dataset whose test split is a part of `data`, with the model's labels.

    data: a Dataset whose splits are already inputs of the model. info: the model's ModelInfo. part:
    one of PARTS. Raises NpNNError for classes that the model does not know.
    """
    splits = {"test": [data.test], "train": [data.train], "all": [data.train, data.test]}[part]
    images, labels = (
        _joined([getattr(split, name) for split in splits]) for name in ("images", "labels")
    )
    labels = renumbered(labels, data.classes, info.classes)
    labels = targets(recipe(info), labels, len(info.classes))
    test = dataclasses.replace(data.test, images=images, labels=labels)
    return dataclasses.replace(data, test=test, classes=info.classes)


def _joined(arrays):
    return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]


def recipe(info):
    """Return the Recipe of a ModelInfo, with defaults for the values that it lacks."""
    known = {field.name for field in hyperparameters(Recipe)}
    return Recipe(**{name: value for name, value in info.recipe.items() if name in known})


def loss(info, data):
    """Return the loss that the model was trained with, for a prepared Dataset.

    Balanced class weights apply to the model's own training set only: other data have none.
    """
    settings = recipe(info)
    if "balanced" in settings.class_weights and data.name != info.dataset:
        settings = dataclasses.replace(settings, class_weights=())
    return build.loss(settings, data)


# ---- Report ---------------------------------------------------------------------------------


def as_dict(answer, scores, data, args):
    """Return the results as plain data for --json. answer: an Evaluation."""
    recalls, _, _ = scores.class_accuracy()
    shares = [None if np.isnan(share) else float(share) for share in recalls]
    counts = metrics.confusion(scores.labels, scores.answers, len(data.classes))
    return {
        "model": str(args.model_file),
        "dataset": data.name,
        "part": args.part,
        "n": len(data.test),
        "test_accuracy": answer.accuracy,
        "test_loss": answer.loss,
        "recalls": dict(zip(data.classes, shares, strict=True)),
        "classes": list(data.classes),
        "confusion": counts.tolist(),
        "kernels": ops.describe(),
        "threads": args.threads,
        "machine": machine.describe(),
        "versions": machine.versions(*PACKAGES),
    }


def text(content, data, args):
    """Return the report: what was tested, its figures, the recalls and the confusion matrix."""
    counts = np.array(content["confusion"])
    figures = f"{content['test_accuracy']:.4f}", f"{content['test_loss']:.4f}"
    lines = [
        f"{args.model_file} on {content['n']:,} samples of {data.title} ({args.part}); "
        f"{content['kernels']}, {args.threads} thread{'s' * (args.threads > 1)}",
        *data.remarks,
        "",
        markdown_table(("test accuracy", "test loss"), [figures]),
        "",
        recall_table(counts, data.classes),
        "",
        confusion_text(counts, data.classes),
    ]
    return "\n".join(lines + ([f"warning: {data.note}"] if data.note else []))


def _draw(data, scores, args):
    from np_nn.cli import pictures

    title = f"{args.model_file.name} on {data.title}"
    return pictures.draw_answers(data, scores, title, Path(args.out), f".{args.format}")
