"""driver.c as a native library, with which tests and benchmarks compare the WebAssembly module."""

import ctypes
import os
import subprocess
from pathlib import Path

import numpy as np

KERNELS = Path(__file__).resolve().parents[1]
# The flags of setup.py without OpenMP: one thread. Only the baseline's loops are compiled.
FLAGS = ["-O3", "-g0", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
FLAGS += ["-fPIC", "-shared", "-DNN_ONLY=NN_BASELINE"]
RULES = {"sgd": 0.0, "momentum": 0.9}  # the page's name of a rule: its momentum; adam has none


def build(folder):
    """Compile the library into a folder with $CC or cc, and load it.

    Raises CalledProcessError or OSError if the compiler fails.
    """
    library = Path(folder, "driver.so")
    source = KERNELS / "wasm" / "driver.c"
    compiler = os.environ.get("CC", "cc").split()
    command = [*compiler, *FLAGS, f"-I{KERNELS}", source, "-o", library, "-lm"]
    subprocess.run(command, check=True)
    os.environ["NP_NN_ISA"] = "baseline"  # the driver reads it
    found = ctypes.CDLL(str(library))
    found.nn_create.restype = found.nn_weight.restype = ctypes.c_void_p
    return found


class Network:
    """A multilayer perceptron of the library, set up like the page's.

    images (n, widths[0]) and labels (n,) are uint8. activation is its number in driver.h. rule is
    sgd, momentum or adam.
    """

    def __init__(self, library, images, labels, widths, seed=1, activation=1, rule="momentum"):
        self.library = library
        self.net = ctypes.c_void_p(self._widths(widths, activation))
        images, labels = (np.ascontiguousarray(array, np.uint8) for array in (images, labels))
        pixels = ctypes.c_double(1 / 255), ctypes.c_double(0)
        addresses = ctypes.c_void_p(images.ctypes.data), ctypes.c_void_p(labels.ctypes.data)
        assert library.nn_set(self.net, *addresses, len(labels), *pixels) == 0
        library.nn_reset(self.net, seed)
        if rule == "adam":
            library.nn_use_adam(self.net, *map(ctypes.c_double, (0.9, 0.999, 1e-8)))
        else:
            library.nn_use_sgd(self.net, ctypes.c_double(RULES[rule]), 0)

    def _widths(self, widths, activation):
        return self.library.nn_create(
            (ctypes.c_int32 * len(widths))(*widths), len(widths), activation
        )

    def train(self, steps, batch, rate):
        assert self.library.nn_train(self.net, steps, batch, ctypes.c_double(rate)) == 0

    @property
    def weights(self):
        """Copy of all parameters, concatenated, float32."""
        count = self.library.nn_parameters(self.net)
        at = ctypes.c_void_p(self.library.nn_weight(self.net, 0))
        return np.ctypeslib.as_array(
            ctypes.cast(at, ctypes.POINTER(ctypes.c_float)), (count,)
        ).copy()
