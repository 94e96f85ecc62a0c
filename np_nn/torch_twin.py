"""PyTorch twins: the torch counterpart of a model, loss, optimizer or schedule.

The classes, their arguments and the names in ``state_dict`` are PyTorch's own, so the
counterpart is found by the class's name; the few classes that PyTorch lacks are defined here.
``commands/train_torch.py`` imports torch as well, and saving/ to read or write .pt files.
"""

import torch
from torch.nn import functional as F

from np_nn import layers, losses, optim
from np_nn.layers.module import is_chain
from np_nn.utils.errors import NpNNError


class Residual(torch.nn.Module):
    """Twin of np_nn's Residual."""

    def __init__(self, block, shortcut=None):
        super().__init__()
        self.block, self.shortcut = block, shortcut

    def forward(self, x):
        return (x if self.shortcut is None else self.shortcut(x)) + self.block(x)


class GaussianNoise(torch.nn.Module):
    """Twin of np_nn's GaussianNoise."""

    def __init__(self, std):
        super().__init__()
        self.std = std

    def forward(self, x):
        return x + self.std * torch.randn_like(x) if self.training else x


class ScaledTanh(torch.nn.Module):
    """Twin of np_nn's ScaledTanh."""

    def forward(self, x):
        return 1.7159 * torch.tanh(x * (2 / 3))


class Neuron(torch.nn.Linear):
    """Twin of np_nn's Neuron."""

    def __init__(self, in_features, activation):
        super().__init__(in_features, 1)
        self.function = (
            torch.nn.Identity() if activation == "identity" else getattr(torch, activation)
        )

    def forward(self, x):
        return self.function(super().forward(x))


class FocalLoss(torch.nn.Module):
    """Twin of np_nn's FocalLoss."""

    def __init__(self, weight, gamma, reduction):
        super().__init__()
        self.weight, self.gamma, self.reduction = weight, gamma, reduction

    def forward(self, logits, labels):
        log_p = F.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]
        losses = -((1 - log_p.exp()) ** self.gamma) * log_p
        if self.weight is not None:
            losses = self.weight[labels] * losses
        return losses.sum() if self.reduction == "sum" else losses.mean()


def _class(kind, room, theirs=torch.nn):
    """Return the counterpart of np_nn's class: the class of its name here, or in PyTorch.

    Raises NpNNError for a user's class, also for a subclass of np_nn's, which may differ.
    """
    name = kind.__name__
    if getattr(room, name, None) is not kind:
        raise NpNNError(f"{name} has no counterpart in PyTorch: it is not one of np_nn's classes")
    return globals().get(name) or getattr(theirs, name)


def module(model):
    """Return the torch.nn.Module of the same layers, with copies of the same weights and dtype."""
    result = _build(model)
    state = {name: torch.from_numpy(array) for name, array in model.state_dict().items()}
    for tensor in state.values():
        if tensor.is_floating_point():
            result.to(tensor.dtype)
    result.load_state_dict(state)
    return result.train(model.training)


def _build(model):
    if is_chain(model):
        return torch.nn.Sequential(*map(_build, model))
    children = map(_build, model.children().values())
    return _class(type(model), layers)(*children, **model.config)


def loss(loss):
    """Return the torch.nn loss of the same name and arguments."""
    arrays = {k: torch.from_numpy(v) for k, v in loss.config.items() if hasattr(v, "dtype")}
    return _class(type(loss), losses)(**loss.config | arrays)


def optimizer(optimizer, parameters):
    """Return the torch.optim optimizer of the same name and arguments, for torch `parameters`."""
    return _class(type(optimizer), optim, torch.optim)(parameters, **optimizer.config)


def scheduler(schedule, optimizer, steps):
    """Return the torch.optim.lr_scheduler of one of np_nn's schedules, for `steps` steps."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, steps))
