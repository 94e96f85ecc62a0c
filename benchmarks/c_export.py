"""Size and time per image of models as one C file, beside nn.predict and onnxruntime.

    python benchmarks/c_export.py

One image per call, one thread; the fastest of many rounds over 500 images of MNIST's test set.
"""

import argparse
import ctypes
import os
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import np_nn as nn
from np_nn import recipes
from np_nn.recipes import build, prepare, run
from np_nn.training.inputs import sample_shape
from np_nn.utils import machine
from np_nn.utils.markdown import markdown_table

NETWORKS = ("fast98", "fast99", "fast99conv", "lenet5_relu")
BUILDS = (("gcc", "-O2"), ("gcc", "-O3"), ("gcc", "-O3 -march=native"), ("clang", "-O3"))
IMAGES, SECONDS = 500, 1.0  # images per round; seconds to measure one number
LOOP = """#define MODEL_DECLARATIONS
#include "model.c"
void each(const uint8_t *images, int count, float *outputs)
{
    for (int i = 0; i < count; i++)
        model_predict(images + i * MODEL_INPUTS, outputs + i * MODEL_OUTPUTS);
}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recipes", nargs="+", default=NETWORKS, metavar="NAME")
    names = parser.parse_args().recipes
    data = nn.load("mnist", quiet=True)
    rows = [row for name in names for row in measured(name, data)]
    builds = [f"{compiler} {options}" for compiler, options in BUILDS]
    columns = ["recipe", "weights", "file KB", "binary KB", "workspace KB", *builds]
    print(f"Microseconds an image, one at a time, one thread. {machine.describe()}.\n")
    print(markdown_table((*columns, "nn.predict", "onnxruntime"), rows))


def measured(name, data):
    """Yield the rows of a recipe, trained for an epoch: float32 and int8."""
    settings = replace(recipes.RECIPES[name], epochs=1, steps=None)
    prepared = prepare.prepare(settings, data)
    model = build.model(settings, prepared, 0)
    run.train(settings, prepared, 0, quiet=True, model=model)
    model.eval()
    others = [f"{us:.1f}" for us in (by_np_nn(model, data), by_onnxruntime(model, data))]
    for int8 in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            nn.export_c(model, folder / "model.c", int8=int8)
            sizes = [f"{(folder / 'model.c').stat().st_size / 1e3:,.0f}"]
            times = []
            for compiler, options in BUILDS:
                path = compiled(folder, compiler, options)
                times.append(f"{by_c(path, data.test.images[:IMAGES]):.1f}")
                if len(times) == 1:
                    sizes += [f"{path.stat().st_size / 1e3:,.0f}", f"{workspace(folder):.1f}"]
        yield name, "int8" if int8 else "float32", *sizes, *times, *(others if not int8 else "--")


def compiled(folder, compiler, options):
    (folder / "loop.c").write_text(LOOP)
    path = folder / f"{compiler}{options.replace(' ', '')}.so"
    files = [folder / "loop.c", folder / "model.c"]
    command = [compiler, "-s", *options.split(), "-shared", "-fPIC", *files, "-o", path, "-lm"]
    subprocess.run(command, check=True)
    return path


def workspace(folder):
    """Return the memory of a call in KB, as stated in the file."""
    line = next(s for s in (folder / "model.c").read_text().splitlines() if "Memory of one" in s)
    return int(line.split()[-3].replace(",", "")) / 1e3


def fastest(function, count):
    """Return the minimum time of a call in microseconds per image. count: images per call."""
    end, best = time.perf_counter() + SECONDS, np.inf
    while time.perf_counter() < end:
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best / count * 1e6


def by_c(path, images):
    library = ctypes.CDLL(str(path))
    outputs = np.empty((len(images), 10), np.float32)
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in (images, outputs)]
    return fastest(lambda: library.each(pointers[0], len(images), pointers[1]), len(images))


def by_np_nn(model, data):
    """Time nn.predict on Splits of one image, prepared before; return microseconds per image."""
    prepare_one = model.info.preparation.split
    splits = [prepare_one(data.test.images[i : i + 1]) for i in range(IMAGES)]
    return fastest(lambda: [nn.predict(model, split) for split in splits], IMAGES)


def by_onnxruntime(model, data):
    """Time onnxruntime on images already converted to floats; return microseconds per image."""
    import onnxruntime

    preparation = model.info.preparation
    shape = sample_shape(preparation.shape, model)
    split = preparation.split(data.test.images[:IMAGES])
    x = (split.images * np.float32(split.scale) + np.float32(split.shift)).reshape(-1, 1, *shape)
    x = x.astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        nn.export_onnx(model, f"{folder}/model.onnx", shape)
        session = onnxruntime.InferenceSession(f"{folder}/model.onnx", options)
    return fastest(lambda: [session.run(None, {"input": one}) for one in x], IMAGES)


if __name__ == "__main__":
    main()
