"""Fixtures of all tests: both kernel settings, the real data, and the strict mode of CI."""

import importlib
import importlib.util
import os
import signal

import pytest

# A test worker has one core: use one thread unless a test sets another number, and let torch's
# threads sleep while they wait. torch, OpenBLAS and np_nn read these variables when they are
# loaded, here and in the programs that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import np_nn as nn
from np_nn import data, ops

if os.environ.get("NP_NN_USE"):  # a module of functions that replace operations in all tests
    nn.use(importlib.import_module(os.environ["NP_NN_USE"]))

# A shell that runs the suite in the background (make test &) makes it and its programs ignore
# SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)

data.absolute_folders()  # some tests and programs run in other folders

# CI sets NP_NN_STRICT=1: tests of missing packages then fail instead of being skipped.
STRICT = os.environ.get("NP_NN_STRICT") == "1"
PEERS = ("torch", "torchvision", "onnx", "onnxruntime", "jupytext", "nbclient", "ipykernel")


def pytest_configure(config):
    missing = [name for name in PEERS if not importlib.util.find_spec(name)]
    if STRICT and missing:
        raise pytest.UsageError(f"NP_NN_STRICT=1, but not installed: {', '.join(missing)}")


def pytest_generate_tests(metafunc):
    """Run each test on NumPy and again on the compiled kernels, or once if it is independent."""
    if not metafunc.definition.get_closest_marker("kernel_independent"):
        settings = ["numpy", "compiled"] if ops.KERNELS else ["numpy"]
        metafunc.parametrize("kernels", settings, indirect=True)


@pytest.fixture(autouse=True)
def kernels(request, monkeypatch):
    """Set the kernels for a test and for the programs that it starts.

    The setting, and a number of threads that the test sets, are reset afterwards. Unseeded random
    numbers start in each test as in a new process, independently of the tests before.
    """
    setting, threads = getattr(request, "param", "auto"), ops.threads
    nn.manual_seed(0)
    monkeypatch.setenv("NP_NN_KERNELS", setting)
    with nn.use(setting):  # afterwards a test's own operations are gone, too
        yield setting
    if ops.threads != threads:
        ops.set_threads(threads)


@pytest.fixture(scope="session")
def mnist():
    """Return MNIST from NP_NN_DATA, raw pixels; skip the test if it is not given."""
    if not os.environ.get("NP_NN_DATA"):
        pytest.skip("NP_NN_DATA names no folder with the real MNIST")
    return nn.load("mnist", scale=1.0, download=False)


@pytest.fixture(scope="session")
def digits():
    """Return scikit-learn's digits, scaled to 0..1."""
    return nn.load("digits")
