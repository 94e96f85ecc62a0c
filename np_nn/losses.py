"""Losses: a number that measures the outputs' error, and its gradient."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from np_nn import ops
from np_nn.utils.arguments import fitted
from np_nn.utils.arrays import as_float, as_floats, as_labels, numbers
from np_nn.utils.checks import WIDEST, check_range
from np_nn.utils.context import Context, HasContext
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array, ArrayLike, Reduction, Shape


class Loss(HasContext):
    """Base class of losses. Use ``loss(outputs, targets)``, then ``loss.backward()``.

    ``forward`` returns a float; ``backward`` dL/d(outputs), valid until the next ``forward``.
    ``config`` holds the constructor's arguments. ``reduction`` of every loss: "mean", or "sum",
    without the mean's divisor.

    Raises NpNNError for an unknown reduction.
    """

    forward: Callable[..., float]
    count_correct: Callable[..., int]

    def __init__(self, **config: Any) -> None:
        fitted(f"{type(self).__name__}: reduction", config["reduction"], Reduction)
        self.config = config
        self.ctx = Context()

    def __call__(self, outputs: ArrayLike, targets: ArrayLike) -> float:
        outputs = as_floats(outputs)
        return self.forward(outputs, as_labels(targets, outputs.dtype))

    def __repr__(self):
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.config.items())
        return f"{type(self).__name__}({arguments})"

    def backward(self) -> Array:
        return self.ctx.grad

    def has_classes(self, targets: Array) -> bool:
        """Return whether targets represent classes, so that there is an accuracy."""
        return True

    def check_targets(self, targets: Array) -> None:
        """Raise NpNNError for targets that do not suit the loss, for any outputs."""

    def check(self, outputs: Array, targets: Array) -> None:
        """Raise NpNNError unless outputs and targets match, regardless of the outputs' values."""

    def count(self, targets: Array) -> float:
        """Return the number of samples of a batch with these targets; L2 divides by it."""
        return len(targets)

    def whole(self, targets: Array) -> float:
        """Return the divisor of the mean: the number of samples, or the sum of their weights."""
        return self.count(targets)

    def sum(self, outputs: Array, targets: Array) -> float:
        """Return the loss of a batch times its ``whole``: batches add up to the set's sum."""
        value = self.forward(outputs, targets)
        return value if self.is_sum else value * self.whole(targets)

    @property
    def is_sum(self) -> bool:
        return self.config["reduction"] == "sum"

    def _make_grad(self, outputs):
        held = self.ctx.arrays.get("grad")
        if held is None or held.shape != outputs.shape or held.dtype != outputs.dtype:
            held = self.ctx.arrays["grad"] = np.empty_like(outputs, order="C")
        self.ctx.grad = held

    def _fail(self, expected, outputs, targets):
        name = type(self).__name__
        raise NpNNError(f"{name} expects {expected}, got {outputs.shape} and {targets.shape}")


class ClassLoss(Loss):
    """Loss whose targets are class numbers: outputs (N, C), labels (N,) int in 0..C-1.

    weight: class weights (C,); None: all equal.
    Raises NpNNError for shapes that do not match, labels out of range, an empty batch,
    weights that are negative, not finite or all 0, and a mean of samples whose weights are all 0.
    """

    targets = "classes"
    _sum_over: Callable[..., float]

    def __init__(self, weight: ArrayLike | None = None, **config: Any) -> None:
        if weight is not None:
            weight = as_float(
                numbers(weight, f"{type(self).__name__}: weight"), np.float32, "weight"
            )
            if weight.ndim != 1 or not np.all(np.isfinite(weight)) or np.any(weight < 0):
                raise NpNNError(f"{type(self).__name__}: weight must be (C,) numbers >= 0")
            if not weight.any():
                raise NpNNError(f"{type(self).__name__}: at least one weight must be above 0")
        super().__init__(weight=weight, **config)
        self.weight = weight

    def forward(self, outputs: Array, labels: Array) -> float:
        self.check(outputs, labels)
        self._make_grad(outputs)
        return self._sum_over(1 if self.is_sum else self.whole(labels), outputs, labels)

    def sum(self, outputs: Array, labels: Array) -> float:
        self.check(outputs, labels)
        self._make_grad(outputs)
        return self._sum_over(1, outputs, labels)

    def whole(self, labels: Array) -> float:
        if self.weight is None:
            return len(labels)
        whole = float(self.weight[labels].sum(dtype=np.float64))
        if not whole:
            raise NpNNError(
                f"{type(self).__name__}: no mean, as all labels are of classes of weight 0: "
                "give one of them a weight above 0, or take reduction='sum'"
            )
        return whole

    def _weights(self, outputs):
        if self.weight is None:
            return np.ones(outputs.shape[1], outputs.dtype)
        return self.weight.astype(outputs.dtype)

    @staticmethod
    def count_correct(outputs: Array, labels: Array) -> int:
        """Return the number of rows of outputs (N, C) that are largest at their label (N,)."""
        return int((outputs.argmax(axis=1) == labels).sum())

    def check_targets(self, labels: Array) -> None:
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            got = f"{labels.dtype} of shape {labels.shape}"
            raise NpNNError(f"{type(self).__name__}: labels must be integers (n,), got {got}")

    def check(self, outputs: Array, labels: Array) -> None:
        if outputs.ndim != 2 or labels.shape != outputs.shape[:1]:
            self._fail("outputs (N, C) and labels (N,)", outputs, labels)
        if not len(labels):
            raise NpNNError(f"{type(self).__name__} got an empty batch")
        self.check_targets(labels)
        if labels.min() < 0 or labels.max() >= outputs.shape[1]:
            raise NpNNError(
                f"labels must be 0..{outputs.shape[1] - 1}, the model's outputs; "
                f"got {labels.min()}..{labels.max()}"
            )
        if self.weight is not None and len(self.weight) != outputs.shape[1]:
            raise NpNNError(
                f"{type(self).__name__}: {len(self.weight)} weights for {outputs.shape[1]} classes"
            )


class CrossEntropyLoss(ClassLoss):
    """Softmax and negative log-likelihood in one; PyTorch's CrossEntropyLoss.

    ``L = mean_n -log softmax(logits[n])[labels[n]]``

    label_smoothing, 0..1, moves that share of the target from the label to all classes equally
    (Szegedy et al. 2016). With class weights, the mean is weighted.
    """

    def __init__(
        self, weight: ArrayLike | None = None, label_smoothing: float = 0.0,
        reduction: Reduction = "mean",
    ) -> None:  # fmt: skip
        check_range("CrossEntropyLoss: label_smoothing", label_smoothing, 0, 1)
        super().__init__(weight, label_smoothing=label_smoothing, reduction=reduction)
        self.smoothing = label_smoothing

    def _sum_over(self, whole, logits, labels):
        smoothing, grad = self.smoothing, self.ctx.grad
        if self.weight is not None:
            weight = self._weights(logits)
            return ops.weighted_cross_entropy(logits, labels, weight, smoothing, 1 / whole, grad)
        mean, times = ops.cross_entropy(logits, labels, smoothing, grad), len(labels) / whole
        if times != 1:
            grad *= times
        return mean * times


class NLLLoss(ClassLoss):
    """Negative log-likelihood of log-probabilities (N, C), as of LogSoftmax; PyTorch's NLLLoss.

    L = mean_n -log_probs[n, labels[n]]; with class weights, the weighted mean.
    """

    def __init__(self, weight: ArrayLike | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(weight, reduction=reduction)

    def _sum_over(self, whole, log_probs, labels):
        return ops.nll(log_probs, labels, self._weights(log_probs), 1 / whole, self.ctx.grad)


class FocalLoss(ClassLoss):
    """Cross-entropy with small weight on easy samples (Lin et al. 2017).

    ``L = mean_n -weight[y] (1 - p)^gamma log p,  p = softmax(logits[n])[y], y = labels[n]``

    gamma 0 is cross-entropy. PyTorch has no such class; torchvision's sigmoid_focal_loss is the
    version for binary outputs. Raises NpNNError also for a negative gamma.
    """

    def __init__(
        self, weight: ArrayLike | None = None, gamma: float = 2.0, reduction: Reduction = "mean"
    ) -> None:
        check_range("FocalLoss: gamma", gamma, 0)
        super().__init__(weight, gamma=gamma, reduction=reduction)
        self.gamma = gamma

    def _sum_over(self, whole, logits, labels):
        weight = self._weights(logits)
        return ops.focal(logits, labels, weight, self.gamma, 1 / whole, self.ctx.grad)

    def whole(self, labels: Array) -> float:
        return len(labels)


class ValueLoss(Loss):
    """Loss whose targets are numbers: outputs and targets of one shape (N, ...), float.

    The mean is over all numbers, as in PyTorch. Raises NpNNError for shapes that differ
    and for an empty batch.
    """

    targets = "values"
    name = ""

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__(reduction=reduction)

    def forward(self, outputs: Array, targets: Array) -> float:
        self.check(outputs, targets)
        self._make_grad(outputs)
        targets = np.ascontiguousarray(targets, outputs.dtype)
        return getattr(ops, self.name)(outputs, targets, self.factor(outputs.shape), self.ctx.grad)

    def check(self, outputs: Array, targets: Array) -> None:
        if outputs.shape != targets.shape:
            self._fail("outputs and targets of one shape", outputs, targets)
        if not outputs.size:
            raise NpNNError(f"{type(self).__name__} got an empty batch")
        self.check_targets(targets)

    def factor(self, shape: Shape) -> float:
        """Return the factor of the sum over outputs of this shape."""
        return 1.0 if self.is_sum else 1 / math.prod(shape)

    def has_classes(self, targets: Array) -> bool:
        """Return whether targets are all 0 or 1, one per sample, or rows as from ``one_hot``."""
        rows = targets.reshape(len(targets), -1)
        if rows.shape[1] == 1:
            return bool(np.isin(rows, (0, 1)).all())
        high, low = rows == rows.max(), rows == rows.min()
        return bool((high ^ low).all() and (high.sum(axis=1) == 1).all())

    def _decide(self, values):
        """Return the class of each row (N, C): its largest value's; one column: value > 1/2."""
        values = values.reshape(len(values), -1)
        return values.argmax(axis=1) if values.shape[1] > 1 else values[:, 0] > 0.5

    def count_correct(self, outputs: Array, targets: Array) -> int:
        """Return the number of samples whose outputs have the class of their targets."""
        return int((self._decide(outputs) == self._decide(targets)).sum())


class MSELoss(ValueLoss):
    """Squared error: L = mean (output - target)^2; PyTorch's MSELoss (Legendre 1805)."""

    name = "mse"


class BCELoss(ValueLoss):
    """Binary cross-entropy of probabilities: L = mean -(t log p + (1 - t) log(1 - p)).

    PyTorch's BCELoss: outputs p and targets t are 0..1, and logarithms are at least -100.
    """

    name = "bce"

    def forward(self, outputs: Array, targets: Array) -> float:
        if outputs.size and not (outputs.min() >= 0 and outputs.max() <= 1):
            raise NpNNError(
                f"BCELoss expects outputs of 0..1, as Sigmoid makes, got "
                f"{outputs.min():.4g}..{outputs.max():.4g}; or take BCEWithLogitsLoss"
            )
        return super().forward(outputs, targets)

    def check_targets(self, targets: Array) -> None:
        _check_share(self, targets)


class BCEWithLogitsLoss(ValueLoss):
    """Sigmoid and binary cross-entropy in one, which cannot overflow; PyTorch's.

    L = mean log(1 + exp(-x)) + (1 - t) x, for outputs x and targets t of 0..1.
    """

    name = "bce_with_logits"

    def check_targets(self, targets: Array) -> None:
        _check_share(self, targets)

    def count_correct(self, outputs: Array, targets: Array) -> int:
        """Return the number of samples whose class is right: output x > 0 stands for t > 1/2."""
        return super().count_correct(outputs + 0.5, targets)


def _check_share(loss, targets):
    if not (targets.min() >= 0 and targets.max() <= 1):
        raise NpNNError(
            f"{type(loss).__name__}: targets must be 0..1, got "
            f"{targets.min():.4g}..{targets.max():.4g}"
        )


LOSSES = {
    "cross_entropy": CrossEntropyLoss,
    "nll": NLLLoss,
    "focal": FocalLoss,
    "mse": MSELoss,
    "bce": BCELoss,
    "bce_with_logits": BCEWithLogitsLoss,
}


def one_hot(labels: ArrayLike, classes: int, low: float = 0.0, high: float = 1.0) -> Array:
    """Return targets (N, classes) float32 for a loss of values.

    Args:
        labels: (N,) int.
        classes: number of classes.
        low: value of every class but the label's.
        high: value of the label's class.

    Raises:
        NpNNError: for labels outside 0..classes-1, and unless low < high.
    """
    check_range("one_hot: classes", classes, most=WIDEST)
    if not np.float32(low) < np.float32(high):
        raise NpNNError(f"one_hot: low must be below high as float32, got {low} and {high}")
    labels = as_labels(labels)
    if labels.dtype != np.int64:
        raise NpNNError(f"labels must be integers (n,), got {labels.dtype} {labels.shape}")
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise NpNNError(f"labels must be 0..{classes - 1}, got {labels.min()}..{labels.max()}")
    targets = np.full((len(labels), classes), low, np.float32)
    targets[np.arange(len(labels)), labels] = high
    return targets


__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CrossEntropyLoss", "FocalLoss", "MSELoss", "NLLLoss",
    "one_hot",
]  # fmt: skip
