"""Kernels work in a forked process, where the threads of an OpenMP runtime are gone."""

import os

import pytest

from tests.support.kernels import extension, python

pytestmark = pytest.mark.kernel_independent
# For each family the arrays that a call on two threads takes, the call, and what it must give.
CALLS = {
    "mlp": ("x = ones(64, 64)", "mlp.linear_forward(x, x, None, 0 * x, 2)[0, 0]", 64),
    "norm": (
        "x, v = ones(64, 64), ones(64)",
        "norm.batch_norm_apply(x, v, 2 * v, 0.0, v, v, 0 * x, 2)[0, 0]",
        2,
    ),
    "pointwise": ("x = ones(64, 64)", "pointwise.dropout(x, 0.0, 1, 0 * x, 2)[0, 0]", 1),
    "pooling": (
        "x, out = ones(8, 8, 6, 6), 0 * ones(8, 8, 3, 3)",
        "pooling.avg_pool2d_forward(x, (2, 2), (2, 2), (0, 0), out, 2)[0, 0, 0, 0]",
        1,
    ),
    "convolution": (
        "x, weight, out = ones(8, 2, 6, 6), ones(3, 2, 3, 3), ones(8, 3, 4, 4)",
        "convolution.conv2d_forward(x, weight, None, (1, 1), (0, 0), out, 2)[0, 0, 0, 0]",
        18,
    ),
    "warp": (
        "images, sums = np.ones((50, 28, 28), np.uint8), np.zeros((50, 5), np.int64)",
        "warp.image_moments(images, sums, 2)[49, 0]",
        784,
    ),
}
PROGRAM = """
import os, signal, numpy as np
from np_nn._kernels import {family}
ones = lambda *shape: np.ones(shape, np.float32)
{family}.set_work_per_thread(1)
{arrays}
assert {call} == {result}
child = os.fork()
if not child:
    signal.alarm(20)
    os._exit(int({call} != {result}))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
for family in CALLS:
    extension(family)  # skips this file where no kernels are built


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("family", CALLS)
def test_kernels_work_in_a_forked_process(family):
    arrays, call, result = CALLS[family]
    program = PROGRAM.format(family=family, arrays=arrays, call=call, result=result)
    done = python("-W", "ignore", "-c", program)
    assert done.stdout == "0\n", done.stderr
