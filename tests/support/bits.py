"""Print the SHA-256 of trained weights, to prove that a change leaves every bit unchanged.

    python -m tests.support.bits                            six recipes, both kernels: 12 lines
    python -m tests.support.bits --recipes noisy --steps 50

Each line is one run of main_np.py in a separate process. Run it before and after a change, on the
same machine: if the lines differ, the change affects arithmetic. With NumPy the bits also depend on
the machine's BLAS.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ("np_nn", "geohot", "fast98", "noisy", "lenet5", "sklearn_adam")
KERNELS = ("numpy", "compiled")


def digest(recipe, kernels, steps, threads=2, isa=None):
    """Return the SHA-256 (hex) of the weights after training a recipe for `steps` steps.

    Parameters and buffers are hashed by name in sorted order. isa: the kernels' instruction set
    (default: the best). Raises CalledProcessError if the
    training fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder, "weights.safetensors")
        subprocess.run(
            [
                sys.executable, ROOT / "main_np.py", "--recipe", recipe, "--kernels", kernels,
                "--steps", str(steps), "--threads", str(threads), "--export", weights,
                "--no-plots", "--quiet",
            ],
            stdout=subprocess.DEVNULL, check=True,
            env=os.environ | ({"NP_NN_ISA": isa} if isa else {}),
        )  # fmt: skip
        tensors = load_file(weights)
    total = hashlib.sha256()
    for name in sorted(tensors):
        total.update(f"{name} {tensors[name].dtype} {tensors[name].shape}\n".encode())
        total.update(tensors[name].tobytes())
    return total.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--recipes", nargs="+", default=RECIPES, metavar="NAME")
    parser.add_argument("--kernels", nargs="+", default=KERNELS, choices=KERNELS)
    parser.add_argument("--steps", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    args = parser.parse_args()
    for recipe in args.recipes:
        for kernels in args.kernels:
            bits = digest(recipe, kernels, args.steps, args.threads)
            print(f"{recipe:12} {kernels:8} {bits}", flush=True)


if __name__ == "__main__":
    main()
