"""Write a saved model in another format: safetensors, ONNX, C or PyTorch's weights."""

import sys
from functools import partial

from np_nn import cli
from np_nn.saving import export
from np_nn.saving.model_file import load_model
from np_nn.utils.converters import file_path
from np_nn.utils.errors import NpNNError


def parser():
    command = cli.Parser(description=__doc__)
    add = command.add_argument
    cli.add_model_file(add)
    add(
        "to_files", type=file_path, nargs="+", metavar="FILE",
        help=f"files to write; the ending chooses the format: {', '.join(export.ENDINGS)}",
    )  # fmt: skip
    add("--int8", action="store_true", help="in C files: one byte per weight")
    return command


def main(argv=None):
    args = cli.parse(parser(), argv)
    for path in args.to_files:
        export.check(path)
    if args.int8 and not any(export.ending(path) == export.C for path in args.to_files):
        raise NpNNError(f"--int8 applies to C files: name one that ends in {export.C}")
    model = load_model(args.model_file)
    count = sum(parameter.data.size for parameter in model.parameters())
    writers = [partial(_write, model, path, args.int8) for path in args.to_files]
    cli.conclude(writers, f"{args.model_file}: {count:,} parameters")
    return 0


def _write(model, path, int8):
    if lacking := export.write(model, path, int8):
        print(f"note: {lacking}", file=sys.stderr)
    return [path]
