"""The two programs of one_file/: the bits of main_np.py, and the same losses in C."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "one_file"
COMPILER = next(filter(shutil.which, ("gcc", "clang")), None)
LINES = {"mnist.py": 200, "mnist.c": 400}
# The C program with another main: it prints the exact loss of each step, and finally the weights'
# bits.
STEPWISE = """
#define main page
#include "mnist.c"
#undef main
int main(int count, char **given)
{
    const dataset d = load(given[1], "train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    generator g = start_generator(0, 1);
    uint32_t batch[BATCH];
    start(0);
    for (int s = 0; s < 200; s++) {
        double mean = 0;
        for (int n = 0; n < BATCH; n++)
            batch[n] = below(&g, (uint32_t)d.count);
#pragma omp parallel num_threads(THREADS)
        step(&d, batch, THREAD);
        for (int n = 0; n < BATCH; n++)
            mean += loss[n] / BATCH;
        printf("%.9g\\n", mean);
    }
    fflush(stdout);
    fwrite(w1, sizeof w1, 1, stderr);
    return count < 2;
}
"""

pytestmark = pytest.mark.kernel_independent
sys.path.insert(0, str(PAGES))


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Return a folder of MNIST's four files, unpacked."""
    import gzip

    import mnist

    folder = tmp_path_factory.mktemp("raw")
    for path in mnist.find(None).glob("*ubyte*"):
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        (folder / path.name.removesuffix(".gz")).write_bytes(content)
    return folder


@pytest.mark.parametrize("page", LINES)
def test_pages_are_short(page):
    assert len((PAGES / page).read_text().splitlines()) <= LINES[page]


def test_python_page_has_the_weights_of_main_np(mnist, tmp_path):
    import mnist as page

    exported = tmp_path / "weights.safetensors"
    subprocess.run(
        [
            sys.executable, ROOT / "main_np.py", "--kernels", "numpy", "--steps", "40",
            "--export", exported, "--no-plots", "--quiet",
        ],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    w1, w2 = page.train(*page.load(page.find(None), "train"), 40, seed=0)
    wanted = load_file(exported)
    assert w1.T.tobytes("C") == wanted["0.weight"].tobytes()
    assert w2.T.tobytes("C") == wanted["2.weight"].tobytes()


@pytest.mark.skipif(not COMPILER, reason="no C compiler: neither gcc nor clang")
def test_c_page_has_the_losses_of_the_python_page(mnist, raw, tmp_path):
    import mnist as page

    losses = []
    page.train(*page.load(raw, "train"), 200, 0, lambda step, loss: losses.append(loss))
    native = stepwise(raw, tmp_path, "-march=native")
    np.testing.assert_allclose(native[0], losses, rtol=1e-3, atol=1e-3)
    assert stepwise(raw, tmp_path) == native  # bits do not depend on the width of a vector,
    assert stepwise(raw, tmp_path, "-march=native", "-fopenmp") == native  # nor on threads


def stepwise(raw, folder, *flags):
    """Return the losses of 200 steps of the C program, and the bytes of W1."""
    program = folder / "stepwise"
    (folder / "stepwise.c").write_text(STEPWISE)
    subprocess.run(
        [
            COMPILER, "-O3", "-ffp-contract=off", "-Werror", f"-I{PAGES}", *flags,
            folder / "stepwise.c", "-lm", "-o", program,
        ],
        check=True,
    )  # fmt: skip
    done = subprocess.run([program, raw], check=True, capture_output=True)
    return list(map(float, done.stdout.split())), done.stderr
