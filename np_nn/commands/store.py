"""Store a data set in a folder from which networks train without reading it into memory."""

import os
import sys

from np_nn import cli
from np_nn.data.augmentation import AUGMENTATIONS, named
from np_nn.data.stored import layout, store
from np_nn.data.stored.writing import check_folder
from np_nn.utils.converters import file_path, joined


def parser():
    command = cli.Parser(description=__doc__)
    add = command.add_argument
    cli.add_dataset(add, "dataset", "the data set: a known name, a folder or a file")
    add("folder", type=file_path, metavar="FOLDER", help="a new folder, later --dataset FOLDER")
    add(
        "--distort", type=cli.whole_number(0), default=0, metavar="N",
        help="store N distorted copies of the training images in their place (default: 0, none)",
    )  # fmt: skip
    convert = joined("augmentation", AUGMENTATIONS)
    add(
        "--augment", type=convert, metavar=convert.metavar, default="",
        help="how copies are distorted, as in np-nn train (default: as in the recipe distorted)",
    )  # fmt: skip
    add(
        "--seed", type=cli.whole_number(0), default=0, metavar="N",
        help="seed of the distortions (default: 0)",
    )  # fmt: skip
    add(
        "--jobs", type=cli.whole_number(1), default=1, metavar="N",
        help="processes that distort; the folder is the same for any number (default: 1)",
    )  # fmt: skip
    cli.add_data_options(add)
    cli.add_json_option(add)
    add("--quiet", action="store_true", help="no progress, only the report")
    return command


def main(argv=None):
    args = cli.parse(parser(), argv)
    if not (args.folder / layout.COMPLETE).is_file():
        check_folder(args.folder)  # before the set is read
    source = cli.read(args, args.dataset)
    augment = named(args.augment) if args.augment else None
    try:
        found = store.store(
            source, args.folder, distort=args.distort, augment=augment, seed=args.seed,
            jobs=args.jobs, quiet=args.quiet,
        )  # fmt: skip
    except KeyboardInterrupt:
        print("interrupted: the same command continues where this one ended", file=sys.stderr)
        return 130
    content = facts(found, args.folder)
    cli.conclude([], text(content), args.json, lambda: content)
    return 0


def facts(found, folder):
    """Return the facts of a stored Dataset as plain data."""
    images = found.train.images
    return {
        "folder": str(folder),
        "classes": list(found.classes),
        "n_train": len(found.train),
        "n_test": len(found.test),
        "shape": list(images.shape[1:]),
        "compressed": images.compressed,
        "digest": images.files.digest,
        "bytes": sum(os.path.getsize(path) for path in folder.iterdir()),
        "remarks": list(found.remarks),
    }


def text(content):
    """Return the facts as lines."""
    shape = " x ".join(map(str, content["shape"]))
    how = "compressed rows" if content["compressed"] else "as they are"
    lines = [
        f"{content['folder']}: {content['n_train']:,} training and {content['n_test']:,} test "
        f"samples of {shape}, {len(content['classes'])} classes",
        f"{content['bytes']:,} bytes, {how}; digest {content['digest'][:16]}",
    ]
    return "\n".join([*lines, *content["remarks"]])
