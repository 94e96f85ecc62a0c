"""Write a saved model in another format: ONNX, C, PyTorch's weights or safetensors."""

from functools import partial
from pathlib import Path

from np_nn import cli
from np_nn.saving.c_code import export_c
from np_nn.saving.model_file import load_model, save_model
from np_nn.saving.onnx import export_onnx
from np_nn.saving.weights import save_weights
from np_nn.training import inputs
from np_nn.utils.errors import NpNNError, unknown_name


def parser():
    command = cli.Parser(description=__doc__)
    add = command.add_argument
    add(
        "model_file", type=Path, metavar="MODEL",
        help="a file of --save, --export FILE.safetensors or nn.save_model",
    )  # fmt: skip
    add(
        "to_files", type=Path, nargs="+", metavar="FILE",
        help=f"what to write, by the ending: {', '.join(FORMATS)}",
    )  # fmt: skip
    add("--int8", action="store_true", help="in C: weights of one byte each")
    return command


def main(argv=None):
    args = cli.parse(parser(), argv)
    _check(args)
    model = load_model(args.model_file)
    writers = [partial(_write, model, path, args) for path in args.to_files]
    count = sum(parameter.data.size for parameter in model.parameters())
    cli.conclude(writers, f"{args.model_file}: {count:,} parameters")
    return 0


def _check(args):
    """Raise NpNNError for a file whose ending names no format, and for --int8 without C."""
    endings = [_ending(path) for path in args.to_files]
    for ending in endings:
        if ending not in FORMATS:
            raise unknown_name("ending", ending, FORMATS)
    if args.int8 and C not in endings:
        raise NpNNError(f"--int8 is for files of C: name one that ends in {C}")


def _write(model, path, args):
    FORMATS[_ending(path)](model, path, args)
    return [path]


def _ending(path):
    return path.suffix.lower()


def _onnx(model, path, args):
    if model.info is None:
        raise NpNNError(f"{args.model_file} does not say what samples the model takes")
    shape = inputs.sample_shape(model.info.preparation.shape, model)
    export_onnx(model, path, shape, {"dataset": model.info.dataset})


def _c(model, path, args):
    export_c(model, path, int8=args.int8)


def _weights(model, path, args):
    save_weights(model, path)


def _model(model, path, args):
    save_model(model, path)


C = ".c"
FORMATS = {".onnx": _onnx, C: _c, ".pt": _weights, ".pth": _weights, ".safetensors": _model}
