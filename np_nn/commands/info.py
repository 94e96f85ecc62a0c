"""Show the environment of np_nn: versions, kernels, threads, and locations of data sets."""

import os
import textwrap
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import np_nn
from np_nn import cli, data, ops
from np_nn.cli import kernels
from np_nn.utils import machine

PACKAGES = (  # the first are required, the others enable single features
    "numpy", "scipy", "scikit-learn", "matplotlib", "pillow", "safetensors", "torch",
    "torchvision", "onnx", "onnxruntime", "pyarrow", "pandas", "tensorboardX",
)  # fmt: skip


def parser():
    command = cli.Parser(description=__doc__)
    cli.add_json_option(command.add_argument)
    return command


def main(argv=None):
    args = cli.parse(parser(), argv)
    found = facts()
    cli.conclude([], text(found), args.json, lambda: found)
    return 0


def facts():
    """Return the facts as plain data for --json."""
    return {
        "np_nn": np_nn.__version__,
        "folder": str(Path(np_nn.__file__).parent),
        "python": machine.versions()["python"],
        "packages": {name: _version(name) for name in PACKAGES},
        "computes_on": ops.describe(),
        "kernels": kernels.families(),
        "why_no_kernels": kernels.why_not(),
        "instruction_set": kernels.instruction_set(),
        "cpu_instruction_sets": kernels.cpu_sets(),
        "machine": machine.describe(),
        "threads": machine.threads(),
        "cores": machine.cores(),
        "blas": machine.blas(),
        "cache": str(data.cache_folder()),
        "datasets": {name: root and str(root) for name, root in data.located().items()},
    }


def text(found):
    """Return the facts as lines of "name  value"."""
    there = [f"{name} {number}" for name, number in found["packages"].items() if number]
    missing = [name for name, number in found["packages"].items() if not number]
    sets = found["cpu_instruction_sets"]
    limit = os.environ.get("OMP_NUM_THREADS")
    rows = {
        "np_nn": f"{found['np_nn']}, {found['folder']}",
        "python": found["python"],
        "packages": ", ".join(there),
        "not installed": ", ".join(missing),
        "computes on": found["computes_on"],
        "kernels": ", ".join(found["kernels"]),
        "why no kernels": found["why_no_kernels"],
        "instructions": sets and f"kernels: {found['instruction_set']}; CPU: {', '.join(sets)}",
        "machine": found["machine"],
        "threads": f"{found['threads']}{f', as OMP_NUM_THREADS={limit}' if limit else ''}",
        "BLAS": "; ".join(found["blas"]),
        "cache": found["cache"],
        **{
            f"data set {name}": root or "not found; downloaded on first use"
            for name, root in found["datasets"].items()
        },
    }
    return "\n".join(_line(name, value) for name, value in rows.items() if value)


def _line(name, value):
    """Return a name and a value side by side, the value wrapped at 80 columns."""
    indent = " " * 18
    return textwrap.fill(
        f"{name:16}  {value}", 80, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None
