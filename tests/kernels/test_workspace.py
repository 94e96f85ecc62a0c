"""Work space: lent to one caller at a time, with and without the GIL."""

import os
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.support.kernels import ROOT, extension, normal, python

pytestmark = pytest.mark.kernel_independent
mlp, pooling = extension("mlp"), extension("pooling")
# Eight threads without Python: each writes its number to the borrowed memory and reads it back.
PROGRAM = """
#include "common/workspace.h"
#include <pthread.h>
static void *work(void *number)
{
    const unsigned char mine = *(int *)number;
    unsigned random = mine;
    size_t wrong = 0;
    for (int turn = 0; turn < 2000; turn++) {
        const size_t bytes = 1 + (random = random * 1664525u + 1013904223u) % 5000;
        unsigned char *space = nn_borrow(bytes);
        memset(space, mine, bytes);
        for (size_t i = 0; i < bytes; i++)
            wrong += space[i] != mine;
        nn_give_back(space);
    }
    return (void *)wrong;
}
int main(void)
{
    pthread_t threads[8];
    int numbers[8];
    void *wrong, *all = NULL;
    for (int i = 0; i < 8; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, work, &numbers[i]);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], &wrong);
        all = wrong ? wrong : all;
    }
    return all != NULL;
}
"""


def _run(*command):
    environment = os.environ | {"LD_PRELOAD": ""}  # make sanitize preloads another sanitizer
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_eight_threads_borrow_without_a_lock(tmp_path):
    """Under the thread sanitizer, which reports data races."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    if not shutil.which(compiler):
        pytest.skip("there is no C compiler")
    source, program = tmp_path / "borrow.c", tmp_path / "borrow"
    source.write_text(PROGRAM)
    command = [compiler, "-O1", "-fsanitize=thread", "-pthread", f"-I{ROOT / 'kernels'}"]
    built = _run(*command, source, "-o", program)
    if built.returncode and "tsan" in built.stderr:
        pytest.skip("the C compiler has no thread sanitizer")
    assert (built.returncode, built.stderr) == (0, "")
    done = _run(program)
    if "unexpected memory mapping" in done.stderr:
        pytest.skip("the thread sanitizer does not run on this system")
    assert (done.returncode, done.stderr) == (0, "")


def test_eight_threads_use_kernels_at_once():
    def run(number):
        rng = np.random.default_rng(number)
        x, grad = normal(rng, 64, 30 + number), normal(rng, 64, 50 + 9 * number)
        images = normal(rng, 1 + number, 3, 12, 12)
        weight, pooled = np.empty((x.shape[1], grad.shape[1]), np.float32), images[..., ::2, ::2]
        for _ in range(10):
            mlp.linear_backward_weight(x, grad, weight, 1)
            pooled = pooling.avg_pool2d_forward(images, (2, 2), (2, 2), (0, 0), pooled.copy(), 1)
        return weight.tobytes(), pooled.tobytes()

    alone = [run(number) for number in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(run, range(8))) == alone


@pytest.mark.skipif(
    not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python always has its lock"
)
def test_importing_the_kernels_leaves_pythons_lock_off():
    code = "import sys; from np_nn._kernels import mlp, pooling; print(sys._is_gil_enabled())"
    done = python("-W", "error", "-c", code)
    assert (done.stdout, done.stderr) == ("False\n", "")
