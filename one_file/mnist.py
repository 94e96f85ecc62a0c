"""A neural network that learns MNIST, on one page: NumPy alone, 784-512-10, forward and backward.

    python one_file/mnist.py [--steps 4000] [--seed 0] [--data FOLDER]

FOLDER holds MNIST's four files (train-images-idx3-ubyte ..., also as .gz). Without it they are
looked for in $NP_NN_DATA/MNIST/raw and data/MNIST/raw.

The network maps 784 pixels to 10 scores, one for each digit:

    x (N, 784)  --W1-->  h = max(x W1, 0) (N, 512)  --W2-->  z = h W2 (N, 10)
    p = softmax(z)       L = mean over the batch of -log p[right digit]

Training repeats four lines 4,000 times: take 256 images, compute L (forward), compute how L moves
with each weight (backward), and move each weight against it. The last weights are, bit for bit,
those of ``python main_np.py --kernels numpy``, which adds options, reports and other data sets.
"""

import argparse
import gzip
import os
import sys
import time
from pathlib import Path

import numpy as np

PUBLISHED = 0.9805  # README of willxxy/np_nn: NumPy, 784-512-10
INPUTS, HIDDEN, CLASSES = 784, 512, 10
BATCH, RATE = 256, 0.001


# ---- The images ---------------------------------------------------------------------------


def read(folder, name, axes):
    """Return the numbers of one IDX file: uint8, of `axes` axes.

    The file begins with 0, 0, 8 (for uint8) and the number of axes; then comes the length of each
    axis, four bytes with the highest first; then the numbers.
    """
    path = folder / name
    if path.exists():
        content = path.read_bytes()
    else:
        content = gzip.decompress(path.with_name(name + ".gz").read_bytes())
    if content[:4] != bytes([0, 0, 8, axes]):
        sys.exit(f"{path}: not an IDX file of {axes} axes of bytes")
    shape = np.frombuffer(content, ">i4", axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def load(folder, part):
    """Return images (M, 784) uint8 and labels (M,) int64 of a part: "train" or "t10k"."""
    images = read(folder, f"{part}-images-idx3-ubyte", 3)
    labels = read(folder, f"{part}-labels-idx1-ubyte", 1)
    return images.reshape(len(images), -1), labels.astype(np.int64)


def find(folder):
    """Return the folder of MNIST's files: the one given, or the first known one that has them."""
    known = [Path(os.environ.get("NP_NN_DATA") or "data", "MNIST/raw"), Path("data/MNIST/raw")]
    for path in [Path(folder)] if folder else known:
        if list(path.glob("train-images-idx3-ubyte*")):
            return path
    sys.exit("MNIST not found: give its folder with --data")


# ---- The network --------------------------------------------------------------------------


def start(seed):
    """Return random weights W1 (784, 512) and W2 (512, 10), float32.

    Uniform in +-1/sqrt(inputs * outputs): small, since pixels are not scaled and reach 255.
    """
    rng = np.random.default_rng((seed, 0))
    weights = []
    for shape in ((INPUTS, HIDDEN), (HIDDEN, CLASSES)):
        bound = 1 / np.sqrt(shape[0] * shape[1])
        weights.append(rng.uniform(-bound, bound, shape).astype(np.float32))
    return weights


def forward(x, w1, w2):
    """Return the hidden units h (N, 512) and the scores z (N, 10) of images x (N, 784)."""
    h = np.maximum(x @ w1, 0)
    return h, h @ w2


def log_softmax(z):
    """Return the logarithms of the probabilities, (N, 10).

    log p[n, c] = z[n, c] - log sum_k exp(z[n, k]). The largest score of each row is subtracted
    first: that changes no probability, and exp cannot overflow.
    """
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def backward(x, h, log_p, labels, w2):
    """Return how the loss moves with each weight: the gradients of W1 and W2.

    The chain rule, from the loss back to the pixels:

        L = mean_n -log p[n, y]      dL/dz = (p - one_hot(y)) / N         (N, 10)
        z = h W2                     dL/dW2 = h.T  dL/dz                  (512, 10)
                                     dL/dh = dL/dz  W2.T                  (N, 512)
        h = max(a, 0)                dL/da = dL/dh where a > 0, else 0    (N, 512)
        a = x W1                     dL/dW1 = x.T  dL/da                  (784, 512)
    """
    dz = np.exp(log_p)
    dz[np.arange(len(labels)), labels] -= 1
    dz /= len(labels)
    da = (h > 0) * (dz @ w2.T)
    return x.T @ da, h.T @ dz


def train(images, labels, steps, seed, show=lambda step, loss: None):
    """Return the weights W1 and W2 after `steps` steps of stochastic gradient descent.

    Args:
        images: (M, 784) uint8.
        labels: (M,) int64.
        steps: number of steps, each on BATCH images drawn with replacement.
        seed: of the initial weights and of the batches.
        show: function (step, loss), called after each step.
    """
    w1, w2 = start(seed)
    rng = np.random.default_rng((seed, 1))
    for step in range(steps):
        batch = rng.integers(0, len(images), BATCH)
        x, y = images[batch].astype(np.float32), labels[batch]
        h, z = forward(x, w1, w2)
        log_p = log_softmax(z)
        dw1, dw2 = backward(x, h, log_p, y, w2)
        w1 -= RATE * dw1
        w2 -= RATE * dw2
        show(step + 1, -log_p[np.arange(BATCH), y].mean())
    return w1, w2


def accuracy(images, labels, w1, w2):
    """Return the fraction of images whose highest score is that of the right digit."""
    _, z = forward(images.astype(np.float32), w1, w2)
    return np.mean(z.argmax(axis=1) == labels)


def main():
    command = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    command.add_argument("--data", metavar="FOLDER", help="folder of MNIST's four files")
    command.add_argument("--steps", type=int, default=4000, metavar="N", help="default: 4000")
    command.add_argument("--seed", type=int, default=0, metavar="N", help="default: 0")
    args = command.parse_args()
    folder = find(args.data)
    images, labels = load(folder, "train")

    def show(step, loss):
        if step % 500 == 0 or step == args.steps:
            print(f"step {step:5}   loss {loss:.4f}", flush=True)

    begin = time.perf_counter()
    w1, w2 = train(images, labels, args.steps, args.seed, show)
    seconds = time.perf_counter() - begin
    found = accuracy(*load(folder, "t10k"), w1, w2)
    print(f"{seconds:.1f} s, {1e3 * seconds / args.steps:.2f} ms a step")
    print(f"test accuracy {found:.4f}, published {PUBLISHED}")


if __name__ == "__main__":
    main()
