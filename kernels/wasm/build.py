"""Build driver.c as one WebAssembly module for the page of np-nn draw: make wasm.

The compiler is zig's clang, from the Python package ziglang, or else clang itself with Debian's
lld, wasi-libc and libclang-rt-dev-wasm32. Training has the same bits with both.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

KERNELS = Path(__file__).resolve().parents[1]
MODULE = KERNELS.parent / "np_nn" / "visualize" / "draw" / "train.wasm"
COMPILERS = {
    "zig": [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi"],
    "clang": ["clang", "--target=wasm32-wasi"],
}
# The flags of setup.py, and WebAssembly's SIMD128, which every browser has had since 2023.
FLAGS = ["-g0", "-s", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
FLAGS += ["-msimd128", "-mexec-model=reactor"]


def available():
    """Return the names of the compilers that are installed, the preferred one first."""
    clang = shutil.which("clang") and shutil.which("wasm-ld")
    there = {"zig": importlib.util.find_spec("ziglang"), "clang": clang}
    return [name for name in COMPILERS if there[name]]


def build(module, compiler):
    """Compile driver.c to a file.

    Raises CalledProcessError, after the compiler's messages, if that fails.
    """
    source = KERNELS / "wasm" / "driver.c"
    command = [*COMPILERS[compiler], *FLAGS, f"-I{KERNELS}", source, "-o", module]
    subprocess.run(command, check=True)


def main():
    command = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    command.add_argument("--compiler", choices=COMPILERS, help="default: the first one installed")
    command.add_argument("-o", "--output", type=Path, default=MODULE, metavar="FILE")
    args = command.parse_args()
    found = available()
    compiler = args.compiler or next(iter(found), None)
    if compiler not in found:
        command.error(f"{compiler or 'a compiler'} is not installed: pip install ziglang")
    try:
        build(args.output, compiler)
    except subprocess.CalledProcessError:
        command.error(f"{compiler} cannot compile kernels/wasm/driver.c, for the reason above")
    print(f"{args.output}: {args.output.stat().st_size / 1e3:.0f} KB, by {compiler}")


if __name__ == "__main__":
    main()
