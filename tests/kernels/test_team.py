"""The thread team: in C, after a fork, with many Python callers, and at exit."""

import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import numpy as np
import pytest

from np_nn import ops
from tests.support.kernels import ROOT, extension, normal, python

pytestmark = pytest.mark.kernel_independent
TASKS = Path("/proc/self/task")  # on Linux: a folder per thread
# For each family: the arrays of a call on two threads, the call, and its result.
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
START = """
import os, signal, threading, time, numpy as np
from np_nn._kernels import {families}
ones = lambda *shape: np.ones(shape, np.float32)
tasks = lambda: len(os.listdir("/proc/self/task"))
for family in ({families},):
    family.set_work_per_thread(1)
"""
CALL = """
{arrays}
assert {call} == {result}
"""
FORK = """
before = tasks()
child = os.fork()
if not child:
    signal.alarm(20)
    os._exit(int(tasks() != 1 or {call} != {result} or tasks() != before))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
for name in CALLS:
    extension(name)  # skips this file where no kernels are built
on_linux = pytest.mark.skipif(not TASKS.exists(), reason="only Linux counts threads in /proc")


def program_of(*families):
    """Return a Python program that calls a kernel of each family on two threads."""
    calls = [
        CALL.format(arrays=arrays, call=call, result=result)
        for arrays, call, result in (CALLS[family] for family in families)
    ]
    return START.format(families=", ".join(families)) + "".join(calls)


def run(program):
    """Run a program with one OpenBLAS thread; return its CompletedProcess."""
    return python("-W", "ignore", "-c", program, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


def compiled(folder, *flags):
    """Return tests/kernels/team.c, compiled; skip if no compiler can build it."""
    compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    if not shutil.which(compiler.split()[0]):
        pytest.skip("no C compiler")
    source, program = Path(__file__).with_name("team.c"), folder / "team"
    command = [*compiler.split(), "-O1", "-g", "-pthread", f"-I{ROOT / 'kernels'}", *flags]
    done = subprocess.run(
        [*command, source, "-o", program, "-lm"], capture_output=True, text=True, check=False
    )
    if done.returncode and flags:
        pytest.skip(f"the compiler does not know {' '.join(flags)}")
    assert not done.returncode, done.stderr
    return program


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler's flags are POSIX's")
@pytest.mark.parametrize("flags", [(), ("-fsanitize=thread",)], ids=["plain", "thread sanitizer"])
def test_the_team_in_c(flags, tmp_path):
    """Growing, shrinking, sleeping, eight callers, forks, threads that do not start: see team.c."""
    environment = os.environ | {"TSAN_OPTIONS": "die_after_fork=0"}
    environment.pop("LD_PRELOAD", None)  # make sanitize preloads another sanitizer
    done = subprocess.run(
        [compiled(tmp_path, *flags)], env=environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stdout + done.stderr
    assert int(done.stdout) > 2000
    assert not done.stderr


@on_linux
@pytest.mark.parametrize("family", CALLS)
def test_a_forked_process_uses_as_many_threads(family):
    _, call, result = CALLS[family]
    done = run(program_of(family) + FORK.format(call=call, result=result))
    assert done.stdout == "0\n", done.stderr


@on_linux
def test_all_families_share_one_team():
    done = run(program_of(*CALLS) + "print(tasks())")
    assert done.stdout == "2\n", done.stderr


@pytest.mark.parametrize("wait", [0, 0.05], ids=["spin", "sleep"])
def test_a_process_ends_while_its_team_waits(wait):
    done = run(program_of("mlp", "pooling") + f"time.sleep({wait})\nprint('end')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_a_process_ends_while_a_thread_works():
    """The thread holds the team when Python ends; the other family's call uses one thread."""
    work = """
def work():
    while True:
        mlp.linear_forward(x, x, None, 0 * x, 2)
x = ones(64, 64)
threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
"""
    done = run(program_of("mlp") + work + "print('end')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_eight_python_threads_get_the_bits_of_one():
    rng = np.random.default_rng(0)
    x, weight, bias = normal(rng, 130, 70), normal(rng, 70, 50), normal(rng, 50)

    def product(threads):
        return ops.KERNELS["linear_forward"](x, weight, bias, np.empty((130, 50), "f4"), threads)

    alone, others = product(1), [None] * 8

    def work(place):
        others[place] = all(np.array_equal(product(1 + i % 4), alone) for i in range(200))

    threads = [threading.Thread(target=work, args=[place]) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert others == [True] * 8
