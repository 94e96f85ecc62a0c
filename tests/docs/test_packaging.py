"""Installation: a checkout without kernels runs, kernels are built, and compilers may fail."""

import email
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import np_nn

pytestmark = pytest.mark.kernel_independent
ROOT = Path(__file__).resolve().parents[2]
BUILD = ("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")
PROBE = "def sgd_step(*arguments):\n    raise RuntimeError('the probe kernel was called')\n"


@pytest.fixture
def checkout(tmp_path):
    """Return a copy of the project as git has it, nothing built."""
    for name in ("np_nn", "kernels"):
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("_kernels", "__pycache__", "*.c")
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    for name in ("main_np.py", *BUILD):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def python(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def probe(checkout):
    """Keep only one small kernel in the checkout, so that a build takes a second."""
    shutil.rmtree(checkout / "kernels", ignore_errors=True)
    (checkout / "kernels" / "probe").mkdir(parents=True)
    (checkout / "kernels" / "probe" / "probe.pyx").write_text(PROBE)


def build(checkout, **environment):
    pytest.importorskip("Cython", reason="Cython is not installed")
    return python(checkout, "setup.py", "build_ext", "--inplace", **environment)


def test_a_bare_checkout_runs_on_numpy(checkout):
    arguments = ["--dataset", "digits", "--steps", "20", "--no-plots", "--quiet"]
    done = python(checkout, "main_np.py", *arguments)
    assert not done.returncode, done.stderr
    assert "NumPy on numpy" in done.stdout
    done = python(checkout, "main_np.py", *arguments, "--kernels", "compiled")
    assert done.returncode == 2
    assert "no compiled kernel is built" in done.stderr
    where = python(checkout, "-c", "import np_nn; print(np_nn.__file__)").stdout
    assert where.startswith(str(checkout.resolve()))


def test_what_the_pictures_and_the_report_need_is_installed(checkout):
    done = python(checkout, "setup.py", "build_py", "--build-lib", "built")
    assert not done.returncode, done.stderr
    installed = {path.relative_to(checkout / "built") for path in checkout.glob("built/**/*.*")}
    needed = ("py.typed", "cli/page.html", "plots/animation.html", "plots/np_nn.mplstyle")
    for file in (*needed, "saving/c/file.jinja", "saving/c/linear.h", "visualize/draw/pad.js"):
        assert Path("np_nn", file) in installed


def test_a_kernel_that_is_built_is_found_and_used(checkout):
    probe(checkout)
    done = build(checkout, NP_NN_STRICT="1", NP_NN_FAMILY="", NP_NN_ONLY="")  # empty: unset
    assert not done.returncode, done.stderr
    assert list((checkout / "np_nn" / "_kernels").glob("probe*"))
    code = "from np_nn import ops; print(ops.describe()); ops.sgd_step(); print('not reached')"
    done = python(checkout, "-W", "error", "-c", code, NP_NN_KERNELS="", NP_NN_ISA="")
    assert "compiled kernels" in done.stdout
    assert "the probe kernel was called" in done.stderr
    done = python(checkout, "-c", code, NP_NN_KERNELS="numpy")
    assert "numpy" in done.stdout
    assert "the probe kernel" not in done.stderr


def test_without_a_compiler_the_build_succeeds_and_numpy_serves(checkout):
    probe(checkout)
    done = build(checkout, CC="false", NP_NN_STRICT="0")
    assert not done.returncode, done.stderr
    done = python(checkout, "-c", "from np_nn import ops; print(ops.describe())")
    assert done.stdout == "numpy\n"


def unoptimized(folder):
    """Return a compiler that ignores -O3: all kernels take it 6 s of CPU time instead of 40."""
    path = folder / "cc"
    path.write_text(f'#!/bin/sh\nexec {sysconfig.get_config_var("CC")} "$@" -O0\n')
    path.chmod(0o755)
    return str(path)


def test_the_kernels_build_from_a_clean_checkout(checkout):
    done = build(checkout, CC=unoptimized(checkout), NP_NN_STRICT="1")
    assert not done.returncode, done.stderr
    arguments = ["--dataset", "digits", "--steps", "20", "--no-plots", "--quiet"]
    done = python(checkout, "main_np.py", *arguments, "--kernels", "compiled", "--threads", "2")
    assert not done.returncode, done.stderr
    assert "compiled kernels" in done.stdout


FORK = """
import os, signal, numpy as np
from np_nn._kernels import pooling
x, out = np.ones((8, 8, 6, 6), "f4"), np.zeros((8, 8, 3, 3), "f4")
pooling.set_work_per_thread(1)
pooling.avg_pool2d_forward(x, (2, 2), (2, 2), (0, 0), out, 2)
child = os.fork()
if not child:
    signal.alarm(20)
    pooling.avg_pool2d_forward(x, (2, 2), (2, 2), (0, 0), 0 * out, 2)
    os._exit(0)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_kernels_with_openmp_survive_a_fork(checkout):
    variables = {"NP_NN_OPENMP": "1", "NP_NN_FAMILY": "pooling", "NP_NN_STRICT": "1"}
    done = build(checkout, CC=unoptimized(checkout), **variables)
    if "omp" in done.stderr and done.returncode:
        pytest.skip("the compiler has no OpenMP")
    assert not done.returncode, done.stderr
    (library,) = (checkout / "np_nn" / "_kernels").glob("pooling*.so")
    assert b"GOMP_parallel" in library.read_bytes() or b"__kmpc" in library.read_bytes()
    done = python(checkout, "-W", "ignore", "-c", FORK)
    assert not done.returncode, done.stderr


def test_a_build_in_place_takes_the_place_of_older_ones(checkout):
    """Builds of another ABI, which this Python would import first, or of a removed kernel."""
    probe(checkout)
    ending, kernels = sysconfig.get_config_var("EXT_SUFFIX"), checkout / "np_nn" / "_kernels"
    kernels.mkdir()
    others = f"probe{ending}.27.so", "gone.cpython-27-x86_64-linux-gnu.so"
    for name in (*others, f"probe{ending}", f"gone{ending}", "gone.so"):
        (kernels / name).touch()
    assert build(checkout, NP_NN_STRICT="1").returncode == 0
    names = {path.name: path.stat().st_size for path in kernels.iterdir()}
    (built,) = set(names) - set(others)
    assert names[built]
    assert built.startswith("probe.")


@pytest.fixture
def bare(checkout):
    """Return a checkout with one small kernel and hardly any Python code, quick to build."""
    probe(checkout)
    version = f"__version__ = {np_nn.__version__!r}\n"
    shutil.rmtree(checkout / "np_nn")
    (checkout / "np_nn").mkdir()
    (checkout / "np_nn" / "__init__.py").write_text(version)
    return checkout


def test_a_wheel_with_kernels_says_for_which_pythons_and_platform(bare):
    pytest.importorskip("Cython", reason="Cython is not installed")
    done = python(bare, "setup.py", "--quiet", "bdist_wheel", NP_NN_STRICT="1")
    assert not done.returncode, done.stderr
    (wheel,) = bare.glob("dist/*.whl")
    _, _, python_tag, abi, platform = wheel.stem.split("-")
    names = zipfile.ZipFile(wheel).namelist()
    (kernel,) = [name for name in names if name.startswith("np_nn/_kernels/")]
    this = f"cp3{sys.version_info[1]}"
    if sys.version_info < (3, 11) or sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert (python_tag, abi.rstrip("t")) == (this, this)
        assert kernel.endswith(sysconfig.get_config_var("EXT_SUFFIX"))
    else:  # one for all versions from 3.11 on
        assert (python_tag, abi) == ("cp311", "abi3")
        assert kernel.endswith((".abi3.so", ".pyd"))
    assert platform != "any"


def test_a_source_distribution_has_the_kernels_wherever_it_is_made(bare):
    """Even if the build itself has no kernels, as on Windows."""
    taken, none = "ext_modules=extensions()", "ext_modules=[]"
    text = (bare / "setup.py").read_text("utf-8")
    assert taken in text
    (bare / "setup.py").write_text(text.replace(taken, none), "utf-8")
    done = python(bare, "setup.py", "--quiet", "sdist")
    assert not done.returncode, done.stderr
    (path,) = bare.glob("dist/*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"kernels/probe/probe.pyx", "np_nn/__init__.py", *BUILD} <= names


def test_strictly_a_kernel_that_does_not_compile_is_an_error(checkout):
    probe(checkout)
    assert build(checkout, CC="false", NP_NN_STRICT="1").returncode


def test_a_wrong_setting_in_the_environment_is_an_error(checkout):
    done = python(checkout, "main_np.py", "--no-plots", NP_NN_KERNELS="numyp")
    assert done.returncode == 2
    assert "error: argument --kernels: unknown kernels setting 'numyp'" in done.stderr
    assert "did you mean 'numpy'?" in done.stderr
    assert "Traceback" not in done.stderr


COMMANDS = (  # of np-nn, run in this order outside the checkout
    "info --json info.json",
    "train --dataset digits --steps 20 --hidden 8 --save m.safetensors --report r.html --no-plots",
    "data digits --no-plots --json -",
    "evaluate m.safetensors --no-plots --json evaluated.json",
    "predict m.safetensors stroke.png --json seen.json",
    "export m.safetensors m.c again.safetensors",
    "draw m.safetensors -o digit.html",
    "visualize pass --dataset digits --steps 20 --hidden 8",
    "reproduce --list",
)


@pytest.fixture
def installed(checkout):
    """Install the project's wheel, made without a compiler, away from the checkout."""
    try:
        importlib.metadata.version("pip")  # importing or finding pip would replace distutils
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("pip is not installed")
    pytest.importorskip("Cython", reason="Cython is not installed")
    probe(checkout)
    pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index"]
    done = python(
        checkout, *pip, "wheel", ".", "--no-build-isolation", "--wheel-dir", "dist", *offline,
        CC="false", NP_NN_STRICT="0",
    )  # fmt: skip
    assert not done.returncode, done.stderr
    (wheel,) = checkout.glob("dist/*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")  # for every platform
    done = python(checkout, *pip, "install", wheel, "--no-compile", "--target", "site", *offline)
    assert not done.returncode, done.stderr
    return checkout / "site"


def test_a_wheel_has_the_whole_program(installed, tmp_path):
    """All commands run in one process, to import the package only once."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    environment = {"PYTHONPATH": str(installed), "NP_NN_KERNELS": "auto"}
    stroke = np.full((40, 40), 255, np.uint8)
    stroke[8:32, 19:22] = 0
    Image.fromarray(stroke).save(folder / "stroke.png")
    script = python(folder, str(installed / "bin" / "np-nn"), "--version", **environment)
    assert script.stdout.startswith("np_nn "), script.stderr
    code = (
        "import sys\nfrom np_nn.__main__ import main\n"
        "for line in sys.argv[1:]: assert main(line.split()) == 0, line"
    )
    done = python(folder, "-c", code, *COMMANDS, **environment)
    assert not done.returncode, done.stderr
    info = json.loads((folder / "info.json").read_text())
    assert info["folder"] == str(installed / "np_nn")
    assert info["why_no_kernels"].startswith("not built")
    assert len(json.loads((folder / "seen.json").read_text())) == 1
    made = {path.name for path in folder.iterdir()}
    _check_description(installed)
    assert {"m.safetensors", "r.html", "m.c", "digit.html", "evaluated.json", "gallery"} < made


def _check_description(installed):
    """Assert that the links of a README shown on its own lead to files of the repository."""
    (metadata,) = installed.glob("np_nn-*.dist-info/METADATA")
    about = email.message_from_string(metadata.read_text("utf-8"))
    assert about["Version"] == np_nn.__version__
    assert about["Description-Content-Type"] == "text/markdown"
    urls = dict(line.split(", ") for line in about.get_all("Project-URL"))
    assert all(urls[name].startswith(urls["Repository"]) for name in ("Issues", "Changelog"))
    links = re.findall(r"(!?)\[[^]]*\]\(([^)]*)\)", about.get_payload())
    assert all(link.startswith("https://") for _, link in links)
    own = [(image, link) for image, link in links if link.startswith(urls["Repository"])]
    assert len(own) > 20
    for image, link in own:
        kind, tag, path = link.removeprefix(urls["Repository"] + "/").split("/", 2)
        assert (kind, tag) == ("raw" if image else "blob", f"v{np_nn.__version__}")
        assert (ROOT / path.partition("#")[0]).exists()
