"""The same network in PyTorch: a model, loss or optimizer becomes its torch counterpart.

The classes, their arguments and the names in ``state_dict`` are PyTorch's own,
so looking the class up by name is all it takes. Nothing else in np_nn imports
torch.
"""

import torch

from np_nn.module import Sequential
from np_nn.optim import SCHEDULES


def module(model):
    """The torch.nn.Module of the same layers, with copies of the same weights and dtype."""
    result = _build(model)
    state = {name: torch.from_numpy(array) for name, array in model.state_dict().items()}
    for tensor in state.values():
        result.to(tensor.dtype)
    result.load_state_dict(state)
    return result


def _build(model):
    if isinstance(model, Sequential):
        return torch.nn.Sequential(*map(_build, model))
    return getattr(torch.nn, type(model).__name__)(**model.config)


def loss(loss):
    """The torch.nn loss of the same name and settings."""
    return getattr(torch.nn, type(loss).__name__)(**loss.config)


def optimizer(optimizer, parameters):
    """The torch.optim optimizer of the same name and settings, for these torch parameters."""
    return getattr(torch.optim, type(optimizer).__name__)(parameters, **optimizer.config)


def scheduler(name, optimizer, steps):
    """The torch.optim.lr_scheduler of a schedule in optim.SCHEDULES, for a run of so many steps.

    None for a constant rate.
    """
    schedule = SCHEDULES[name]
    if schedule is None:
        return None
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step, steps))
