"""Learning-rate schedules.

A schedule is a function (step, steps) -> share of the optimizer's lr, for step 0..steps-1. It
keeps no state, so that a run can begin at any step. Names and shapes are those of
torch.optim.lr_scheduler, which counts the same way if it is called after every batch.

Lengths are in steps or, if below 1, a share of the run: ``StepLR(0.3)``.
"""

import math
from dataclasses import dataclass, fields
from typing import ClassVar, Literal

from np_nn.utils.errors import NpNNError

HIGHEST = 1e6  # exclusive limit of every argument; a larger number is a mistake


def _length(value, steps):
    """Return a length in steps; a value below 1 is a share of the run."""
    return value * steps if value < 1 else value


@dataclass(frozen=True)
class Schedule:
    """Base class of schedules: their numbers are finite and not negative.

    Raises NpNNError for other numbers, and for a length of 0.
    """

    lengths: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self):
        for field in fields(self):
            value, name = getattr(self, field.name), f"{type(self).__name__}: {field.name}"
            if not isinstance(value, int | float):
                continue
            if not 0 <= value < HIGHEST:
                raise NpNNError(f"{name} must be finite and not below 0, got {value}")
            if field.name in self.lengths and not value:
                raise NpNNError(f"{name} must be above 0")


@dataclass(frozen=True)
class ConstantLR(Schedule):
    """Constant learning rate."""

    def __call__(self, step: int, steps: int) -> float:
        return 1.0


@dataclass(frozen=True)
class StepLR(Schedule):
    """Decay by the factor gamma every step_size steps: gamma^floor(step / step_size)."""

    step_size: float = 1 / 3
    gamma: float = 0.1
    lengths = ("step_size",)

    def __call__(self, step: int, steps: int) -> float:
        return self.gamma ** int(step // _length(self.step_size, steps))


@dataclass(frozen=True)
class ExponentialLR(Schedule):
    """Smooth decay by the factor gamma each period: gamma^(step / period). PyTorch's: period 1."""

    gamma: float = 0.5
    period: float = 0.2
    lengths = ("period",)

    def __call__(self, step: int, steps: int) -> float:
        return self.gamma ** (step / _length(self.period, steps))


def _cosine(done, least):
    """Return 1 at done = 0, falling along half a cosine to `least` at done = 1."""
    return least + (1 - least) * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class CosineAnnealingLR(Schedule):
    """Cosine that falls from 1 to eta_min over T_max steps (None: the run), then rises again.

    eta_min is a share of lr. Source: Loshchilov and Hutter 2017.
    """

    T_max: float | None = None
    eta_min: float = 0.0
    lengths = ("T_max",)

    def __call__(self, step: int, steps: int) -> float:
        return _cosine(step / (_length(self.T_max, steps) if self.T_max else steps), self.eta_min)


@dataclass(frozen=True)
class CosineAnnealingWarmRestarts(Schedule):
    """SGDR: half a cosine over T_0 steps, then restarts, each T_mult times as long.

    eta_min is a share of lr; T_mult at least 1. Source: Loshchilov and Hutter 2017.
    """

    T_0: float = 1 / 7
    T_mult: float = 2
    eta_min: float = 0.0
    lengths = ("T_0",)

    def __post_init__(self):
        super().__post_init__()
        if self.T_mult < 1:
            raise NpNNError(f"CosineAnnealingWarmRestarts: T_mult must be >= 1, got {self.T_mult}")

    def __call__(self, step: int, steps: int) -> float:
        begin, length = 0.0, max(1.0, _length(self.T_0, steps))
        while step >= begin + length:
            begin, length = begin + length, length * self.T_mult
        return _cosine((step - begin) / length, self.eta_min)


@dataclass(frozen=True)
class CyclicLR(Schedule):
    """Triangular cycles from base, a share of lr, to lr in step_size_up steps, and back.

    mode "triangular", or "triangular2": each cycle half as high. Source: Smith 2017.
    """

    base: float = 0.1
    step_size_up: float = 0.1
    mode: Literal["triangular", "triangular2"] = "triangular"
    lengths = ("step_size_up",)

    def __post_init__(self):
        super().__post_init__()
        if self.mode not in ("triangular", "triangular2"):
            raise NpNNError(f"CyclicLR: mode is triangular or triangular2, not {self.mode!r}")

    def __call__(self, step: int, steps: int) -> float:
        half = _length(self.step_size_up, steps)
        cycle = math.floor(1 + step / (2 * half))
        height = max(0.0, 1 - abs(step / half - 2 * cycle + 1))
        if self.mode == "triangular2":
            height /= 2 ** (cycle - 1)
        return self.base + (1 - self.base) * height


@dataclass(frozen=True)
class OneCycleLR(Schedule):
    """One rise to 1 and one fall. The optimizer's lr is PyTorch's max_lr.

    Args:
        pct_start: share of the run in which the rate rises.
        anneal_strategy: "cos", along half cosines, or "linear".
        div_factor: the rate begins at 1 / div_factor.
        final_div_factor: the rate ends at 1 / div_factor / final_div_factor.

    Source: Smith and Topin 2018.
    """

    pct_start: float = 0.3
    anneal_strategy: Literal["cos", "linear"] = "cos"
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self):
        super().__post_init__()
        if self.anneal_strategy not in ("cos", "linear"):
            raise NpNNError(
                f"OneCycleLR: anneal_strategy is cos or linear, not {self.anneal_strategy!r}"
            )
        if not (self.pct_start < 1 and self.div_factor and self.final_div_factor):
            raise NpNNError("OneCycleLR: pct_start must be below 1, the factors above 0")

    def __call__(self, step: int, steps: int) -> float:
        first, top, last = 1 / self.div_factor, self.pct_start * steps - 1, steps - 1
        if step <= top:
            return self._between(first, 1.0, step / top if top else 1.0)
        return self._between(1.0, first / self.final_div_factor, (step - top) / (last - top))

    def _between(self, begin, end, done):
        if self.anneal_strategy == "linear":
            return begin + (end - begin) * done
        return _cosine(done, 0.0) * (begin - end) + end


@dataclass(frozen=True)
class WarmupLinear(Schedule):
    """Linear rise over the share ``warmup`` of the run, then linear fall to 0."""

    warmup: float = 0.15

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.warmup < 1:
            raise NpNNError(f"WarmupLinear: warmup must be between 0 and 1, got {self.warmup}")

    def __call__(self, step: int, steps: int) -> float:
        done = (step + 1) / (steps + 1)
        return min(done / self.warmup, (1 - done) / (1 - self.warmup))


SCHEDULES = {
    "constant": ConstantLR,
    "step": StepLR,
    "exponential": ExponentialLR,
    "cosine": CosineAnnealingLR,
    "warm_restarts": CosineAnnealingWarmRestarts,
    "cyclic": CyclicLR,
    "one_cycle": OneCycleLR,
    "warmup_linear": WarmupLinear,
}

__all__ = [
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "OneCycleLR", "StepLR", "WarmupLinear",
]  # fmt: skip
