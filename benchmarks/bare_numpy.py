"""A training step of a two-layer network written out by hand: what NumPy itself can do.

No layers, no objects, every array allocated once. It takes the arguments of
main_np.py (plain SGD, one hidden layer, no bias), draws the same batches from
the same weights, and writes its times as JSON; the library is measured against it.
"""

import time

import numpy as np

from np_nn import cli, files, models, report
from np_nn.batches import Batches


def main(argv=None):
    args = cli.parse(cli.parser(__doc__), argv)
    settings, data = args.settings, cli.load(args)
    images, labels = data.train.images.reshape(len(data.train), -1), data.train.labels
    model, n = models.build(settings, data, args.seed[0]), settings.batch_size
    W1, W2 = (parameter.data for parameter in model.parameters())

    x, rows = np.empty((n, W1.shape[0]), np.float32), np.arange(n)
    h, dh = np.empty((2, n, W1.shape[1]), np.float32)
    z = np.empty((n, W2.shape[1]), np.float32)
    dW1, dW2 = np.empty_like(W1), np.empty_like(W2)

    seconds, losses, correct = [], [], 0
    last = time.perf_counter()
    for batch in Batches(len(images), **settings.plan, seed=args.seed[0]):
        x[...] = images[batch]
        y = labels[batch]
        np.matmul(x, W1, out=h)
        np.maximum(h, 0, out=h)
        np.matmul(h, W2, out=z)
        correct += int((z.argmax(axis=1) == y).sum())
        z -= z.max(axis=1, keepdims=True)
        p = np.exp(z)
        total = p.sum(axis=1, keepdims=True)
        losses.append(float(np.mean(np.log(total[:, 0]) - z[rows, y])))
        p /= total
        p[rows, y] -= 1
        p /= n
        np.matmul(h.T, p, out=dW2)
        np.matmul(p, W2.T, out=dh)
        np.greater(h, 0, out=h)
        dh *= h
        np.matmul(x.T, dh, out=dW1)
        dW1 *= settings.lr
        W1 -= dW1
        dW2 *= settings.lr
        W2 -= dW2
        now = time.perf_counter()
        seconds.append(now - last)
        last = now

    content = {
        "step_ms_median": 1e3 * float(np.median(seconds)),
        "train_loss": float(np.mean(losses[-20:])),
        "train_accuracy": correct / (n * len(seconds)),
    }
    files.write_file(args.json, report.to_json(content))


if __name__ == "__main__":
    cli.run(main)
