"""One row for each public layer, loss and optimizer. Every test of parity and of gradients
goes through these rows, and a test fails when a public name has none."""

from dataclasses import dataclass, field

import numpy as np

import np_nn as nn


@dataclass(frozen=True)
class Case:
    """kind: the public class. make: arguments of its constructor. shape: of an input batch."""

    kind: type
    arguments: dict = field(default_factory=dict)
    shape: tuple[int, ...] = (6, 7)

    @property
    def id(self):
        settings = ",".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.kind.__name__}({settings})"

    def make(self, *leading):
        return self.kind(*leading, **self.arguments)

    def inputs(self, dtype=np.float64):
        """Random values, none so close to 0 that a kink there would disturb a gradient check."""
        x = np.random.default_rng(1).normal(size=self.shape)
        return (x + 0.1 * np.sign(x)).astype(dtype)


LAYERS = [
    Case(nn.Linear, {"in_features": 7, "out_features": 5}),
    Case(nn.Linear, {"in_features": 7, "out_features": 5, "bias": False}),
    Case(nn.Linear, {"in_features": 1, "out_features": 1}, shape=(1, 1)),
    Case(nn.ReLU),
    Case(nn.ReLU, shape=(1, 3)),
]

LOSSES = [
    Case(nn.CrossEntropyLoss),
    Case(nn.CrossEntropyLoss, shape=(1, 2)),
    Case(nn.CrossEntropyLoss, {"label_smoothing": 0.1}),
]

OPTIMIZERS = [
    Case(nn.SGD, {"lr": 0.1}),
    Case(nn.SGD, {"lr": 0.1, "weight_decay": 0.01}),
    Case(nn.SGD, {"lr": 0.1, "momentum": 0.9}),
    Case(nn.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    Case(nn.Adam),
    Case(nn.Adam, {"lr": 0.1, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1}),
    Case(nn.AdamW),
    Case(nn.AdamW, {"lr": 0.1, "weight_decay": 0.5}),
]


def parametrize(cases):
    """Arguments for pytest.mark.parametrize: one test per row, with a readable name."""
    return {"argnames": "case", "argvalues": cases, "ids": [case.id for case in cases]}
