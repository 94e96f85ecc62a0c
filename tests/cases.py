"""Table of test cases: one row for each public layer, loss, optimizer and schedule.

Every test of parity and of gradients goes through these rows, and a test fails when a public name
has none.
"""

from dataclasses import dataclass, field

import numpy as np

import np_nn as nn


@dataclass(frozen=True)
class Case:
    """A public class, the arguments of its constructor, and the shape of an input batch."""

    kind: type
    arguments: dict = field(default_factory=dict)
    shape: tuple[int, ...] = (6, 7)
    inner: tuple = ()  # factories of the constructor's first arguments

    @property
    def id(self):
        settings = ",".join(f"{name}={value}" for name, value in self.arguments.items())
        return f"{self.kind.__name__}({settings})".replace(" ", "")

    def make(self, *leading):
        nn.manual_seed(0)  # so that a row's weights do not depend on earlier rows
        return self.kind(*(make() for make in self.inner), *leading, **self.arguments)

    def inputs(self, dtype=np.float64):
        """Return random values, none so close to 0 that a kink there disturbs a gradient check."""
        x = np.random.default_rng(1).normal(size=self.shape)
        return (x + 0.1 * np.sign(x)).astype(dtype)


def small_block():
    return nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 7))


def strided_block():
    return nn.Sequential(nn.Conv2d(2, 3, 3, 2, 1, bias=False), nn.BatchNorm2d(3))


def strided_shortcut():
    return nn.Conv2d(2, 3, 1, stride=2, bias=False)


RANDOM = (nn.Dropout, nn.Dropout2d, nn.GaussianNoise)  # PyTorch draws other random numbers

LAYERS = [
    Case(nn.Linear, {"in_features": 7, "out_features": 5}),
    Case(nn.Linear, {"in_features": 7, "out_features": 5, "bias": False}),
    Case(nn.Linear, {"in_features": 1, "out_features": 1}, shape=(1, 1)),
    Case(nn.Neuron, {"in_features": 7}),
    *(Case(nn.Neuron, {"in_features": 2, "activation": name}, shape=(3, 2))
      for name in ("identity", "relu", "tanh")),
    Case(nn.ReLU),
    Case(nn.ReLU, shape=(1, 3)),
    Case(nn.ReLU, shape=(2, 3, 4)),
    Case(nn.Sigmoid),
    Case(nn.Tanh),
    Case(nn.ScaledTanh),
    Case(nn.LeakyReLU),
    Case(nn.LeakyReLU, {"negative_slope": -0.5}),
    Case(nn.ELU),
    Case(nn.ELU, {"alpha": 0.3}),
    Case(nn.GELU),
    Case(nn.SiLU),
    Case(nn.Softmax, {"dim": 1}),
    Case(nn.Softmax, {"dim": -1}, shape=(1, 1)),
    Case(nn.LogSoftmax, {"dim": 1}),
    Case(nn.BatchNorm1d, {"num_features": 7}),
    Case(nn.BatchNorm1d, {"num_features": 7, "eps": 0.1, "momentum": None}),
    Case(nn.BatchNorm1d, {"num_features": 3, "affine": False, "momentum": 0.5}, shape=(4, 3)),
    Case(nn.LayerNorm, {"normalized_shape": 7}),
    Case(nn.LayerNorm, {"normalized_shape": 7, "eps": 0.1, "elementwise_affine": False}),
    Case(nn.Flatten, shape=(3, 2, 5)),
    Case(nn.Residual, inner=(small_block,)),
    Case(nn.Residual, inner=(nn.ReLU,)),
    Case(nn.Residual, inner=(strided_block, strided_shortcut), shape=(2, 2, 5, 4)),
    Case(nn.Conv2d, {"in_channels": 2, "out_channels": 3, "kernel_size": 3}, shape=(3, 2, 6, 5)),
    Case(nn.Conv2d, {"in_channels": 1, "out_channels": 2, "kernel_size": 1, "bias": False},
         shape=(1, 1, 3, 2)),
    Case(nn.Conv2d, {"in_channels": 3, "out_channels": 2, "kernel_size": (2, 5), "stride": (3, 2),
                     "padding": (1, 2)}, shape=(2, 3, 7, 8)),
    Case(nn.Conv2d, {"in_channels": 1, "out_channels": 1, "kernel_size": 2, "stride": 3,
                     "padding": 3}, shape=(1, 1, 2, 6)),
    Case(nn.Conv2d, {"in_channels": 2, "out_channels": 5, "kernel_size": (4, 3)},
         shape=(1, 2, 4, 3)),
    Case(nn.MaxPool2d, {"kernel_size": 2}, shape=(2, 3, 6, 4)),
    Case(nn.MaxPool2d, {"kernel_size": 3, "stride": 2, "padding": 1}, shape=(1, 2, 7, 6)),
    Case(nn.MaxPool2d, {"kernel_size": (2, 3), "stride": (3, 1), "padding": (1, 0)},
         shape=(2, 1, 5, 7)),
    Case(nn.AvgPool2d, {"kernel_size": 2}, shape=(2, 3, 5, 4)),
    Case(nn.AvgPool2d, {"kernel_size": (3, 2), "stride": (2, 1), "padding": 1},
         shape=(1, 2, 6, 5)),
    Case(nn.AdaptiveAvgPool2d, {"output_size": 1}, shape=(2, 3, 5, 4)),
    Case(nn.AdaptiveAvgPool2d, {"output_size": (3, 5)}, shape=(1, 2, 7, 4)),
    Case(nn.BatchNorm2d, {"num_features": 3}, shape=(2, 3, 4, 5)),
    Case(nn.BatchNorm2d, {"num_features": 2, "eps": 0.1, "momentum": None}, shape=(1, 2, 3, 3)),
    Case(nn.BatchNorm2d, {"num_features": 1, "affine": False, "momentum": 0.5},
         shape=(3, 1, 2, 1)),
    Case(nn.Flatten, shape=(2, 3, 2, 2)),
    Case(nn.Dropout2d, {"p": 0.0}, shape=(2, 3, 4, 2)),
    Case(nn.Dropout2d, {"p": 0.4}, shape=(2, 5, 3, 2)),
    Case(nn.Dropout, {"p": 0.0}),
    Case(nn.Dropout, {"p": 0.4}),
    Case(nn.GaussianNoise, {"std": 0.0}),
    Case(nn.GaussianNoise, {"std": 0.3}),
]  # fmt: skip

WEIGHT = np.array([0.5, 0, 2, 1, 1, 3, 0.1], np.float32)

LOSSES = [
    Case(nn.CrossEntropyLoss),
    Case(nn.CrossEntropyLoss, shape=(1, 2)),
    Case(nn.CrossEntropyLoss, {"label_smoothing": 0.1}),
    Case(nn.CrossEntropyLoss, {"label_smoothing": 0.1, "reduction": "sum"}),
    Case(nn.CrossEntropyLoss, {"weight": WEIGHT}),
    Case(nn.CrossEntropyLoss, {"weight": WEIGHT, "label_smoothing": 0.3}),
    Case(nn.NLLLoss),
    Case(nn.NLLLoss, {"weight": WEIGHT}),
    Case(nn.NLLLoss, {"weight": WEIGHT, "reduction": "sum"}),
    Case(nn.FocalLoss),
    Case(nn.FocalLoss, {"gamma": 0.0, "reduction": "sum"}),
    Case(nn.FocalLoss, {"gamma": 0.5, "weight": WEIGHT}),
    Case(nn.MSELoss),
    Case(nn.MSELoss, {"reduction": "sum"}, shape=(3, 2, 2)),
    Case(nn.BCELoss),
    Case(nn.BCELoss, {"reduction": "sum"}),
    Case(nn.BCEWithLogitsLoss),
    Case(nn.BCEWithLogitsLoss, {"reduction": "sum"}, shape=(5, 1)),
]

OPTIMIZERS = [
    Case(nn.SGD, {"lr": 0.1}),
    Case(nn.SGD, {"lr": 0.1, "weight_decay": 0.01}),
    Case(nn.SGD, {"lr": 0.1, "momentum": 0.9}),
    Case(nn.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    Case(nn.Adagrad),
    Case(nn.Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "eps": 1e-6,
                      "initial_accumulator_value": 0.2}),
    Case(nn.RMSprop),
    Case(nn.RMSprop, {"alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1}),
    Case(nn.RMSprop, {"centered": True, "eps": 1e-3}),
    Case(nn.RMSprop, {"centered": True, "momentum": 0.9, "eps": 1e-3}),
    Case(nn.Adadelta),
    Case(nn.Adadelta, {"lr": 0.5, "rho": 0.8, "eps": 1e-4, "weight_decay": 0.1}),
    Case(nn.Adam),
    Case(nn.Adam, {"lr": 0.1, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1}),
    Case(nn.AdamW),
    Case(nn.AdamW, {"lr": 0.1, "weight_decay": 0.5}),
]  # fmt: skip

# A schedule, and the torch.optim.lr_scheduler with the same rates over STEPS steps of lr 1.
STEPS = 50
SCHEDULES = [
    (nn.ConstantLR(), "ConstantLR", {"factor": 1.0}),
    (nn.StepLR(7, 0.5), "StepLR", {"step_size": 7, "gamma": 0.5}),
    (nn.StepLR(0.2), "StepLR", {"step_size": 10, "gamma": 0.1}),
    (nn.ExponentialLR(0.9, 1), "ExponentialLR", {"gamma": 0.9}),
    (nn.CosineAnnealingLR(), "CosineAnnealingLR", {"T_max": STEPS}),
    (nn.CosineAnnealingLR(20, 0.1), "CosineAnnealingLR", {"T_max": 20, "eta_min": 0.1}),
    (nn.CosineAnnealingWarmRestarts(7, 2, 0.1), "CosineAnnealingWarmRestarts",
     {"T_0": 7, "T_mult": 2, "eta_min": 0.1}),
    (nn.CosineAnnealingWarmRestarts(5, 1), "CosineAnnealingWarmRestarts", {"T_0": 5}),
    (nn.CyclicLR(0.1, 8), "CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 8}),
    (nn.CyclicLR(0.2, 6, "triangular2"), "CyclicLR",
     {"base_lr": 0.2, "max_lr": 1.0, "step_size_up": 6, "mode": "triangular2"}),
    (nn.OneCycleLR(), "OneCycleLR", {"max_lr": 1.0, "total_steps": STEPS}),
    (nn.OneCycleLR(0.4, "linear", 10, 100), "OneCycleLR",
     {"max_lr": 1.0, "total_steps": STEPS, "pct_start": 0.4, "anneal_strategy": "linear",
      "div_factor": 10, "final_div_factor": 100}),
    (nn.WarmupLinear(), None, {}),
]  # fmt: skip


def parametrize(cases):
    """Return arguments for pytest.mark.parametrize: one test per row, with a readable name."""
    return {"argnames": "case", "argvalues": cases, "ids": [case.id for case in cases]}


def loss_inputs(case, dtype=np.float64):
    """Return outputs and targets that suit a loss: (N, ...) of its shape."""
    outputs = case.inputs(dtype)
    rng = np.random.default_rng(2)
    if case.kind.targets == "classes":
        if case.kind is nn.NLLLoss:
            outputs = np.log(np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)).astype(dtype)
        return outputs, rng.integers(0, outputs.shape[1], len(outputs))
    if case.kind is nn.BCELoss:
        outputs = (1 / (1 + np.exp(-outputs))).astype(dtype)
    return outputs, rng.random(outputs.shape).astype(dtype)
