"""Builds each kernels/<name>.pyx as the extension np_nn._kernels.<name>.

The kernels are optional: without a compiler the installation succeeds, and
NumPy serves. NP_NN_STRICT=1 turns a kernel that does not compile into an error,
so that CI cannot overlook it.
"""

import os
from pathlib import Path

from setuptools import Extension, setup

SOURCES = sorted(Path("kernels").glob("*.pyx"))
HEADERS = sorted(map(str, Path("kernels").glob("*.h")))
FLAGS = [] if os.name == "nt" else ["-O3"]


def extensions():
    if not SOURCES:
        return []
    from Cython.Build import cythonize

    Path("np_nn/_kernels").mkdir(exist_ok=True)  # an in-place build does not create it
    built = cythonize(
        [
            Extension(
                f"np_nn._kernels.{source.stem}",
                [str(source)],
                extra_compile_args=FLAGS,
                depends=HEADERS,
            )
            for source in SOURCES
        ],
        language_level=3,
        build_dir="build",
    )
    for extension in built:
        extension.optional = os.environ.get("NP_NN_STRICT") != "1"
    return built


setup(ext_modules=extensions())
