"""Fixtures of the tests that call references and kernels directly."""

import sys

import pytest

from np_nn import ops


@pytest.fixture(scope="module", autouse=True)
def _threads_for_small_work():
    """Make kernels use all threads that they are given, even for little work."""
    modules = {sys.modules[kernel.__module__] for kernel in ops.KERNELS.values()}
    modules = {module for module in modules if hasattr(module, "set_work_per_thread")}
    for module in modules:
        module.set_work_per_thread(1)
    yield
    for module in modules:
        module.set_work_per_thread(200e3)
