"""Predictions from many threads beside a training: python -m tests.support.stress.

Prints the number of answers that differ from those of one thread; the exit status is 1 if any does.
"""

import argparse
import itertools
import sys
import threading

import numpy as np

import np_nn as nn
from np_nn.models import MODELS
from tests.models.test_use import a_model, split, together

THREADS = 8


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictions", type=int, default=10_000, metavar="N")
    args = parser.parse_args(argv)
    rounds = -(-args.predictions // (THREADS * len(MODELS)))
    stop = threading.Event()
    beside = threading.Thread(target=train_until, args=[stop])
    beside.start()
    try:
        wrong = sum(wrong_answers(name, rounds) for name in MODELS)
    finally:
        stop.set()
        beside.join()
    made = rounds * THREADS * len(MODELS)
    print(f"{made:,} predictions of {len(MODELS)} models from {THREADS} threads: {wrong} wrong")
    return wrong > 0


def train_until(stop):
    """Train another model repeatedly."""
    model, images = a_model("mlp")
    loss, data = nn.CrossEntropyLoss(), split(images[0])
    for seed in itertools.count():
        if stop.is_set():
            return
        optimizer = nn.SGD(model.parameters(), lr=0.001)
        nn.fit(model, data, loss, optimizer, epochs=5, batch_size=10, seed=seed, quiet=True)


def wrong_answers(name, rounds):
    """Return the number of a model's answers that differ from those of a single thread."""
    model, _ = a_model(name)
    shape = (784,) if name in ("mlp", "residual_mlp") else (1, 28, 28)
    images = np.random.default_rng(5).random((THREADS, 20, *shape), np.float32)
    alone = [nn.predict(model, split(part)) for part in images]

    def ask(i):
        return sum(
            not np.array_equal(nn.predict(model, split(images[i])), alone[i]) for _ in range(rounds)
        )

    return sum(together(ask, THREADS))


if __name__ == "__main__":
    sys.exit(main())
