"""Make a page to draw a digit on, which shows the passes of a saved network."""

import argparse
import sys

from np_nn import cli
from np_nn.saving.model_file import load_model
from np_nn.utils import files
from np_nn.utils.converters import file_path
from np_nn.utils.errors import NpNNError
from np_nn.visualize.draw import training
from np_nn.visualize.draw.description import describe
from np_nn.visualize.draw.page import page


def parser():
    command = cli.Parser(description=__doc__)
    add = command.add_argument
    cli.add_model_file(add)
    add(
        "-o", "--output", type=file_path, default="digit.html", metavar="FILE",
        help="the page, one self-contained HTML file (default: digit.html)",
    )  # fmt: skip
    add(
        "--float16",
        action=argparse.BooleanOptionalAction,
        help="round the weights to 16 bits (default: if they make the page larger than 1 MB)",
    )
    add(
        "--images", type=cli.whole_number(0), default=0, metavar="N",
        help="embed N of MNIST's training images in the page, to train with (default: 0; the "
        "page also reads files)",
    )  # fmt: skip
    return command


def main(argv=None):
    args = cli.parse(parser(), argv)
    model = load_model(args.model_file)
    try:
        network = describe(model, args.float16)
    except NpNNError as error:
        raise NpNNError(f"{args.model_file}: {error}") from None
    trained = training.facts(args.images)
    text = page(args.model_file.name, network, trained).encode()
    if network.rounding:
        print(f"note: {network.rounding}; --no-float16 keeps float32", file=sys.stderr)
    count = sum(parameter.data.size for parameter in model.parameters())
    report = f"{args.model_file}: {count:,} parameters, a page of {len(text) / 1e6:.2f} MB"
    if not trained["module"]:
        report += "\nthe page cannot train: make wasm builds its kernels"
    cli.conclude([lambda: [files.write_file(args.output, text)]], report)
    return 0


if __name__ == "__main__":
    cli.run(main)
