"""Gradient check: a backward pass compared with finite differences of the forward pass.

>>> print(gradcheck(nn.Linear(4, 3), np.random.default_rng(0).normal(size=(5, 4))))
Linear(4, 3): right
| gradient of | shape  | largest error | at | backward | difference |
...
"""

import copy
import math
from dataclasses import dataclass

import numpy as np

from np_nn.layers.module import Module
from np_nn.losses import Loss
from np_nn.utils.arrays import numbers
from np_nn.utils.checks import check_range
from np_nn.utils.errors import NpNNError
from np_nn.utils.markdown import markdown_table
from np_nn.utils.types import ArrayLike


@dataclass(frozen=True)
class Row:
    """Result for one array: the largest error of its gradient, and where it is.

    error: relative to the gradient's largest absolute value. index: of that error in the array.
    backward, difference: both gradients there.
    """

    name: str
    shape: tuple[int, ...]
    error: float
    index: tuple[int, ...]
    backward: float
    difference: float


@dataclass(frozen=True)
class GradientReport:
    """Result of ``gradcheck``; true if every error is below the tolerance."""

    subject: str
    tolerance: float
    rows: tuple[Row, ...]

    def __bool__(self) -> bool:
        return all(row.error < self.tolerance for row in self.rows)

    @property
    def worst(self) -> Row:
        """The Row with the largest error."""
        return max(self.rows, key=lambda row: row.error)

    def __str__(self):
        header = ("gradient of", "shape", "largest error", "at", "backward", "difference")
        rows = [
            (row.name, row.shape, f"{row.error:.1e}{'' if row.error < self.tolerance else ' !'}",
             row.index, f"{row.backward:.6g}", f"{row.difference:.6g}")
            for row in self.rows
        ]  # fmt: skip
        verdict = "right" if self else f"WRONG, {self.worst.name} most"
        return f"{self.subject}: {verdict}\n{markdown_table(header, rows)}"


def gradcheck(
    subject: Module | Loss, x: ArrayLike, targets: ArrayLike | None = None, *, step: float = 1e-6,
    tolerance: float = 1e-6, seed: int = 0,
) -> GradientReport:  # fmt: skip
    """Check the gradients of a layer, a model or a loss; return a GradientReport.

    A float64 copy is checked: the derivative of sum(weights * outputs), with random weights,
    with respect to the input and every parameter, against central differences. Keep inputs away
    from kinks, such as 0 for ReLU. Layers that draw random numbers draw the same numbers for each
    difference.

    Args:
        subject: Module or Loss.
        x: input (N, ...) of a Module, or outputs that a Loss takes.
        targets: targets of a Loss.
        step: half the distance of a central difference.
        tolerance: error below which a gradient is right, relative to its largest absolute value.
        seed: seed of the random weights.

    Raises:
        NpNNError: if the input is not floating point, not finite or empty, or if ``backward``
            returns another shape than the input's.
    """
    check_range("gradcheck: seed", seed, 0, math.inf)
    if not (step > 0 and tolerance > 0):
        raise NpNNError(f"gradcheck: step and tolerance must be above 0, got {step}, {tolerance}")
    x = np.array(numbers(x, "gradcheck: x"), order="C")
    if x.dtype.kind != "f" or not x.size or not np.isfinite(x).all():
        raise NpNNError("gradcheck: x must be finite, floating point, and at least one number")
    x = x.astype(np.float64)
    check = _check_loss if isinstance(subject, Loss) else _check_module
    pairs = check(copy.deepcopy(subject), x, targets, step, seed)
    return GradientReport(repr(subject), tolerance, tuple(_compare(*pair) for pair in pairs))


def _check_module(model, x, targets, step, seed):
    model.to(np.float64)
    random = model.random_state()
    weights = np.random.default_rng(seed).normal(size=np.shape(model(x)))

    def total():
        model.load_random_state(random)
        return float((model.forward(x) * weights).sum())

    total()
    grad = model.backward(weights.copy())
    if np.shape(grad) != x.shape:
        raise NpNNError(f"backward returned shape {np.shape(grad)} for an input of {x.shape}")
    arrays = {"input": (x, np.array(grad))}
    arrays |= {n: (p.data, p.grad.copy()) for n, p in model.named_parameters().items()}
    for name, (array, analytic) in arrays.items():
        yield name, analytic, _differences(total, array, step)


def _check_loss(loss, outputs, targets, step, seed):
    targets = np.asarray(targets)
    loss(outputs, targets)
    analytic = np.array(loss.backward())
    yield "outputs", analytic, _differences(lambda: loss(outputs, targets), outputs, step)


def _differences(function, array, step):
    """Return d function / d array by central differences; the array is restored afterwards."""
    result = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        value = array[index]
        array[index] = value + step
        above = function()
        array[index] = value - step
        below = function()
        array[index] = value
        result[index] = (above - below) / (2 * step)
    return result


def _compare(name, analytic, numeric):
    scale = max(np.abs(numeric).max(), np.abs(analytic).max(), 1e-8)
    errors = np.abs(analytic - numeric) / scale
    index = np.unravel_index(np.argmax(errors), errors.shape)
    return Row(
        name, analytic.shape, float(errors[index]), tuple(map(int, index)),
        float(analytic[index]), float(numeric[index]),
    )  # fmt: skip
