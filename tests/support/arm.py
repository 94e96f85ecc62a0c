"""The kernels' tests on an emulated Arm processor: python -m tests.support.arm, or make arm.

It creates in build/arm/ a Debian for aarch64, the packages that the tests import, and a program
`python` that runs Debian's Python in the emulator. A copy of the sources is built there with the
cross compiler, and tests/kernels runs with the options given. Debian and packages are kept for the
next run.

It needs Debian's mmdebstrap, qemu-user and gcc-aarch64-linux-gnu, and installs nothing system-wide.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "arm"
DEBIAN, SITE, TREE, PYTHON = (FOLDER / name for name in ("debian", "site", "tree", "python"))
TOOLS = {  # and the Debian packages that have them
    "mmdebstrap": "mmdebstrap",
    "qemu-aarch64": "qemu-user",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
}
SUITE, VERSION = "bookworm", "3.11"  # Debian, and its Python
PACKAGES = (
    "Cython>=3.1", "hypothesis", "numpy", "pytest", "pytest-xdist", "safetensors", "scipy",
    "setuptools>=77", "threadpoolctl",
)  # fmt: skip
PLATFORMS = ("2_28", "2_27", "2_17", "2014")  # manylinux tags of wheels that Debian 12 can load
SOURCES = ("np_nn", "kernels", "tests", "setup.py", "pyproject.toml", "README.md", "LICENSE")
# Tests that fail in an emulator: programs compiled by a test would be started without it, and it
# adds a thread to those that the system counts for a process.
LEFT_OUT = (
    "test_team.py::test_the_team_in_c",
    "test_team.py::test_a_forked_process_uses_as_many_threads",
    "test_team.py::test_all_families_share_one_team",
    "test_workspace.py::test_eight_threads_borrow_without_a_lock",
)
# Python takes sys.executable from its argument 0, so programs that a test starts are emulated, too.
WRAPPER = """#!/bin/sh
export PYTHONHOME='{debian}/usr' PYTHONPATH='{site}':.
exec qemu-aarch64 -L '{debian}' -0 "$0" '{debian}/usr/bin/python{version}' "$@"
"""


def main(options):
    try:
        return test(options)
    except subprocess.CalledProcessError as error:
        print(f"failed: {' '.join(map(str, error.cmd))}", file=sys.stderr)
        return 2


def test(options):
    """Make what is missing, build, and run the tests; return their exit status."""
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        print(f"needed: apt-get install {' '.join(missing)}", file=sys.stderr)
        return 2
    make(DEBIAN, install_debian)
    make(SITE, install_packages)
    PYTHON.write_text(WRAPPER.format(debian=DEBIAN, site=SITE, version=VERSION))
    PYTHON.chmod(0o755)
    copy_sources()
    build_kernels()
    left_out = [f"--deselect=tests/kernels/{name}" for name in LEFT_OUT]
    tests = [PYTHON, "-m", "pytest", "-p", "no:cacheprovider", "tests/kernels", *left_out, *options]
    lenient = os.environ | {"NP_NN_STRICT": "0"}  # the other packages may be missing
    return subprocess.run(tests, cwd=TREE, env=lenient, check=False).returncode


def make(folder, install):
    """Make a folder once; an unfinished one has another name."""
    if folder.exists():
        return
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    install(part)
    part.rename(folder)


def install_debian(folder):
    wanted = f"python3,libpython{VERSION}-dev,libgomp1,libstdc++6"
    options = "--quiet", "--arch=arm64", "--variant=extract", "--skip=check/qemu"
    run("mmdebstrap", *options, f"--include={wanted}", SUITE, folder)


def install_packages(folder):
    names = [f"--platform=manylinux{'_' * ('_' in p)}{p}_aarch64" for p in PLATFORMS]
    options = "--quiet", "--only-binary=:all:", f"--python-version={VERSION}", "--target", folder
    run(sys.executable, "-m", "pip", "install", *options, *names, *PACKAGES)


def copy_sources():
    shutil.rmtree(TREE, ignore_errors=True)
    ignored = shutil.ignore_patterns("_kernels", "__pycache__")
    TREE.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, TREE / name, ignore=ignored)
        else:
            shutil.copy2(ROOT / name, TREE)


def build_kernels():
    """Translate the kernels to C on the host, as an emulator is slow; compile them in the guest.

    Debian's Python calls its compiler by the cross compiler's name, which runs unemulated.
    """
    run(sys.executable, "-c", "import setup; setup.extensions()", cwd=TREE)
    settings = {"NP_NN_STRICT": "1", "CFLAGS": f"-idirafter '{DEBIAN}/usr/include'"}
    run(
        PYTHON, "setup.py", "--quiet", "build_ext", "--inplace", cwd=TREE, env=os.environ | settings
    )


def run(*command, **options):
    subprocess.run([*map(str, command)], check=True, **options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
