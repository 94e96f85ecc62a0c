"""Build each kernels/<family>/<name>.pyx as the extension np_nn._kernels.<name>.

The kernels are optional: without a compiler the installation succeeds, and np_nn runs on NumPy. On
Windows they are built only on request. From Python 3.11 on they use the stable ABI: one build also
serves all later versions. Environment:

NP_NN_STRICT=1     a kernel that does not compile is an error, so that CI cannot overlook it; on
                   Windows: build the kernels
NP_NN_OPENMP=1     use OpenMP's threads in place of our own (kernels/common/team.h)
NP_NN_SANITIZE=1   build with the address and undefined-behaviour sanitizers (make sanitize)
NP_NN_FAMILY=mlp   build only this family (make kernel)
NP_NN_ONLY=avx512  compile the inner loops only for this instruction set (make kernel)
"""

import os
import platform
import re
import sys
import sysconfig
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from setuptools import Distribution, Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext, get_abi3_suffix

KERNELS = Path("kernels")
SOURCES = sorted(KERNELS.rglob("*.pyx"))
# A line that includes a file: of C, of Cython, or the macro that names the header of inner loops
# (common/dispatch.h includes it once per instruction set).
INCLUDE = re.compile(
    r'^\s*(?:#\s*include|#\s*define\s+\w+|include|cdef extern from)\s+"([^"]+\.(?:h|pxi))"', re.M
)
RELATIVE_LINK = re.compile(r"(!?)\[([^]]*)\]\((?!\w+:|#)([^)]+)\)")
# The stable ABI has the buffer protocol from Python 3.11 on; free-threaded Pythons have none.
STABLE_ABI = (
    platform.python_implementation() == "CPython"
    and sys.version_info >= (3, 11)
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
)
SUFFIX = get_abi3_suffix() if STABLE_ABI else sysconfig.get_config_var("EXT_SUFFIX")
# No -march, as the kernels choose the instruction set at run time. Without -fno-math-errno GCC does
# not vectorise square roots.
OPTIMIZE = ["-g0", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-O1", "-g"]


def wanted(variable):
    """Return whether an environment variable is 1."""
    return os.environ.get(variable) == "1"


def headers(source):
    """Return the .pxi and .h files that a source includes, directly or not, as sorted paths.

    Includes are relative to kernels/. A change in one of these files rebuilds the extension; source
    distributions contain them.
    """
    found, open_ = set(), [Path(source)]
    while open_:
        text = open_.pop().read_text("utf-8")
        new = {KERNELS / name for name in INCLUDE.findall(text)} - found
        new = {path for path in new if path.is_file()}
        found |= new
        open_ += new
    return sorted(found)


def absolute(text, repository, version):
    """Return Markdown with relative links made absolute, to a release's files in the repository."""

    def target(link):
        kind = "raw" if link[1] else "blob"
        return f"{link[1]}[{link[2]}]({repository}/{kind}/v{version}/{link[3]})"

    return RELATIVE_LINK.sub(target, text)


class Project(Distribution):
    """Distribution whose README has absolute links, as a package index shows it on its own."""

    def parse_config_files(self, *arguments, **settings):
        super().parse_config_files(*arguments, **settings)
        about = self.metadata
        about.long_description = absolute(
            about.long_description, about.project_urls["Repository"], about.version
        )


class BuildKernels(build_ext):
    """Build command: flags for the compiler in use, and extensions built in parallel."""

    def initialize_options(self):
        super().initialize_options()
        self.parallel = True

    def build_extensions(self):
        if self.compiler.compiler_type != "msvc":
            threads = ["-fopenmp" if wanted("NP_NN_OPENMP") else "-pthread"]
            compile_flags, link_flags = [*OPTIMIZE, *threads], threads[:]
            if wanted("NP_NN_SANITIZE"):
                compile_flags += SANITIZE
                link_flags += SANITIZE[:1]
            for extension in self.extensions:
                extension.extra_compile_args += compile_flags
                extension.extra_link_args += link_flags
        super().build_extensions()

    def copy_extensions_to_source(self):
        """Install in place; remove other extensions there that this Python would import."""
        super().copy_extensions_to_source()
        built = {source.stem + SUFFIX for source in SOURCES}
        for path in Path("np_nn/_kernels").glob("*"):
            if path.name not in built and "".join(path.suffixes) in EXTENSION_SUFFIXES:
                path.unlink()


class BuildWheel(bdist_wheel):
    """Wheel command: a wheel without kernels is tagged for every Python and platform."""

    def run(self):
        self.run_command("build_ext")
        if not any(map(os.path.isfile, self.get_finalized_command("build_ext").get_outputs())):
            self.distribution.ext_modules = None
            self.root_is_pure = True
        super().run()


def declared():
    """Return an Extension, for Cython, of each source or of NP_NN_FAMILY's."""
    family, only = (os.environ.get(f"NP_NN_{name}") or None for name in ("FAMILY", "ONLY"))
    macros = [("NN_ONLY", f"NN_{only.upper()}")] if only else []
    if STABLE_ABI:
        macros.append(("Py_LIMITED_API", "0x030b0000"))
    return [
        Extension(
            f"np_nn._kernels.{source.stem}",
            [str(source)],
            include_dirs=[str(KERNELS)],
            depends=[str(path) for path in (source, *headers(source))],
            define_macros=macros,
            py_limited_api=STABLE_ABI,
        )
        for source in SOURCES
        if family in (None, source.stem)
    ]


def extensions():
    """Return the extensions to build, translated to C by Cython."""
    if not SOURCES or (os.name == "nt" and not wanted("NP_NN_STRICT")):
        return []
    from Cython.Build import cythonize

    Path("np_nn/_kernels").mkdir(exist_ok=True)  # an in-place build does not create it
    built = cythonize(
        declared(),
        include_path=[str(KERNELS)],
        build_dir="build",
        # The kernels have no state that needs a lock: see common/workspace.h.
        compiler_directives={"language_level": 3, "freethreading_compatible": True},
    )
    for extension in built:
        extension.optional = not wanted("NP_NN_STRICT")
    return built


if __name__ == "__main__":  # a test imports this file for headers()
    setup(
        distclass=Project,
        ext_modules=extensions(),
        cmdclass={"build_ext": BuildKernels, "bdist_wheel": BuildWheel},
        options={"bdist_wheel": {"py_limited_api": "cp311" if STABLE_ABI else ""}},
    )
