"""Parameter, as optimizers and limits see it: a Parameter of ``layers`` is one."""

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from np_nn.utils.types import Array


@runtime_checkable
class Parameter(Protocol):
    """Trainable array, and the loss's gradient with respect to it."""

    data: Array
    grad: Array
    transposed: bool


Parameters = Iterable[Parameter]
