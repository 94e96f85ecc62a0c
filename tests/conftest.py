"""Shared by all tests: both kernel settings, the real data, and the strictness of CI."""

import importlib.util
import os

import pytest

import np_nn as nn
from np_nn import ops

# CI sets NP_NN_STRICT=1: there, what is missing fails instead of skipping.
STRICT = os.environ.get("NP_NN_STRICT") == "1"
PEERS = ("torch", "torchvision", "onnx", "onnxruntime", "jupytext", "nbclient", "ipykernel")


def pytest_configure(config):
    missing = [name for name in PEERS if not importlib.util.find_spec(name)]
    if STRICT and missing:
        raise pytest.UsageError(f"NP_NN_STRICT=1, but not installed: {', '.join(missing)}")


@pytest.fixture(autouse=True, params=["numpy", "compiled"] if ops.KERNELS else ["numpy"])
def kernels(request, monkeypatch):
    """Every test runs on NumPy, and again on the compiled kernels where they are built."""
    monkeypatch.setenv("NP_NN_KERNELS", request.param)  # for the programs that tests start
    nn.use(request.param)
    yield request.param
    nn.use("auto")


@pytest.fixture(scope="session")
def mnist():
    """The real MNIST out of NP_NN_DATA, raw pixels; skips where it is not given."""
    if "NP_NN_DATA" not in os.environ:
        pytest.skip("NP_NN_DATA names no folder with the real MNIST")
    return nn.load("mnist", scale=1.0, download=False)


@pytest.fixture(scope="session")
def digits():
    """The digits that scikit-learn ships, scaled to 0..1."""
    return nn.load("digits")
