"""Deploying: a network as one C file, compiled and run, beside NumPy and ONNX.

`nn.export_c` writes layers, weights and preparation as C99 without a library. Compiled with any C
compiler it gives the same classes. `int8=True` stores one byte per weight.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import common
import numpy as np

import np_nn as nn


def compiled(folder, model, name, **options):
    """Export a model to C and compile it.

    Args:
        folder: to write to.
        model: Module with a ModelInfo.
        name: of the files.
        **options: of nn.export_c.

    Returns:
        (path of the program, or None without a C compiler; size of the C file in bytes).
    """
    source, program = Path(folder, f"{name}.c"), Path(folder, name)
    nn.export_c(model, source, **options)
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None, source.stat().st_size
    subprocess.run([compiler, "-O2", "-DNP_NN_MAIN", source, "-o", program, "-lm"], check=True)
    return program, source.stat().st_size


def main(argv=None):
    args = common.arguments(__doc__, argv)
    digits = common.digits(args)
    model = nn.initialize(nn.mlp((784, 64, 10)), "kaiming_uniform", 0)
    loss, optimizer = nn.CrossEntropyLoss(), nn.Adam(model.parameters(), lr=0.002)
    nn.fit(model, digits.train, loss, optimizer, epochs=2, batch_size=64, seed=0, quiet=True)
    model.info = nn.ModelInfo.of(digits)

    some = nn.Split(digits.test.images[:200], digits.test.labels[:200], digits.test.scale)
    expected = nn.predict(model, some).argmax(axis=1)
    print(f"NumPy: accuracy {np.mean(expected == some.labels):.3f} on {len(some)} images")
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in {"float32": {}, "int8": {"int8": True}}.items():
            program, sizes[name] = compiled(folder, model, f"digit_{name}", **options)
            if program is None:
                print("no C compiler found: the files are written but not tested")
                continue
            done = subprocess.run(
                [program], input=some.images.tobytes(), capture_output=True, check=True
            )
            answers = np.array([int(line) for line in done.stdout.split()])
            same = np.mean(answers == expected)
            print(f"C, {name}: {same:.1%} of its answers equal NumPy's")
    for name, size in sizes.items():
        print(f"its file with {name} weights has {size / 1e3:,.0f} kB")
    if not args.no_plots:
        draw(sizes, args)
    return 0


def draw(sizes, args):
    title = "784-64-10 as one C file"
    with common.picture(args, "deploying", title, height=2.0) as figure:
        axes = figure.subplots()
        axes.barh(list(sizes), [size / 1e3 for size in sizes.values()], color=common.BLUE)
        axes.set_xlabel("size of the file (kB)")


if __name__ == "__main__":
    common.run(main)
