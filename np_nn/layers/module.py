"""Module, Parameter and Sequential: base classes of layers, and their stack.

A layer has a ``forward`` and a ``backward`` method side by side. ``forward``
keeps in ``ctx`` the arrays that ``backward`` needs; ``backward`` takes the derivative of
the loss with respect to the layer's output, stores the derivatives with respect to its
parameters, and returns the derivative with respect to its input.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeGuard, TypeVar

import numpy as np

from np_nn.utils.arrays import as_input, converted, numbers
from np_nn.utils.checks import check_alike
from np_nn.utils.context import Context, HasContext
from np_nn.utils.errors import NpNNError, shown
from np_nn.utils.types import Array, ArrayLike, DTypeLike, Self, Shape

FLOATS = np.float32, np.float64


class Parameter:
    """Trainable array, and the loss's gradient with respect to it.

    data, grad: arrays of one shape and dtype; ``backward`` overwrites ``grad``.
    transposed: the array is the transpose of PyTorch's, and ``state_dict``
    exports it in PyTorch's layout.
    """

    def __init__(self, data: ArrayLike, transposed: bool = False) -> None:
        self.data = np.ascontiguousarray(numbers(data, "Parameter: data"))
        self.grad = np.zeros_like(self.data)
        self.transposed = transposed

    def __repr__(self):
        return f"Parameter of shape {self.shape}"

    @property
    def shape(self) -> Shape:
        return self.data.shape

    def export(self) -> Array:
        """Return a copy in PyTorch's layout, C-contiguous."""
        return np.array(self.data.T if self.transposed else self.data, order="C")

    def load(self, array: ArrayLike) -> None:
        """Copy the values of an array in PyTorch's layout."""
        self.data[...] = np.asarray(array).T if self.transposed else array

    def to(self, dtype: DTypeLike) -> None:
        """Convert to float32 or float64, in place."""
        self.data, self.grad = self.data.astype(dtype), self.grad.astype(dtype)


class Buffer:
    """Array that a layer keeps but that no gradient changes, such as a running mean."""

    def __init__(self, data: ArrayLike) -> None:
        self.data = np.array(numbers(data, "Buffer: data"))

    def __repr__(self):
        return f"Buffer of shape {self.shape}"

    @property
    def shape(self) -> Shape:
        return self.data.shape

    def export(self) -> Array:
        return self.data.copy()

    def load(self, array: ArrayLike) -> None:
        self.data[...] = array

    def to(self, dtype: DTypeLike) -> None:
        if self.data.dtype.kind == "f":
            self.data = self.data.astype(dtype)


class _Mode(threading.local):
    """Thread-local flag set within ``inference``."""

    inference = False


_mode = _Mode()


@contextmanager
def inference():
    """Use all modules as after ``eval()`` in a ``with`` block, in this thread only.

    The modules' own modes do not change.
    """
    before, _mode.inference = _mode.inference, True
    try:
        yield
    finally:
        _mode.inference = before


@contextmanager
def kept_modes(model):
    """Restore the present mode of each module of a model at the end of a ``with`` block."""
    before = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode


class Module(HasContext):
    """Base class of layers and networks.

    ``config`` holds the constructor's arguments, from which a printout, the torch
    twin and a file rebuild the layer. Layers reuse their output arrays from step to
    step: the result of ``forward`` is valid until the next ``forward``. Calling the
    module, ``model(x)``, returns a new array; there, integers in 0..255 are pixels, as
    in a Split, and become 0..1.

    takes: "rows" (N, I) or "images" (N, C, H, W), if the layer takes only one of them.
    role: "activation", "output" or "norm", the command-line option that selects the layer by its
    ``name``. onnx: its ONNX operator, and {attribute: constructor argument}; the operator's
    inputs are x and the layer's parameters. A subclass inherits neither name nor operator.
    info: the `ModelInfo` of a whole network that was built for a data set, or None.
    """

    backward: Callable[..., Any]
    info: Any = None
    takes: str | None = None
    role: str | None = None
    onnx: tuple[str, dict[str, str]]
    _training = True

    def __init__(self, **config: Any) -> None:
        if config and type(self).__init__ is Module.__init__:
            given = ", ".join(config)
            raise NpNNError(f"{type(self).__name__} takes no arguments, got {given}")
        self.config = config
        self.ctx = Context()

    @property
    def training(self) -> bool:
        """True if the module is in training mode; False within ``inference``."""
        return self._training and not _mode.inference

    @training.setter
    def training(self, mode: bool) -> None:
        self._training = mode

    def forward(self, x: Any) -> Array:
        raise NpNNError(f"{type(self).__name__}: a Module needs a method forward")

    def __call__(self, x: ArrayLike) -> Array:
        return self.forward(as_input(x)).copy()

    def __repr__(self):
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.config.items())
        return f"{type(self).__name__}({arguments})"

    def children(self) -> "dict[str, Module]":
        """Return {name: Module} of the layers directly inside this one."""
        return {name: value for name, value in vars(self).items() if isinstance(value, Module)}

    def named_modules(self, name: str = "") -> "Iterator[tuple[str, Module]]":
        """Yield (name, Module) of this module, "", and its descendants, depth first."""
        yield name, self
        for child_name, child in self.children().items():
            yield from child.named_modules(f"{name}.{child_name}".lstrip("."))

    def modules(self) -> "Iterator[Module]":
        """Yield this module and its descendants, depth first."""
        return (module for _, module in self.named_modules())

    def check_places(self) -> None:
        """Raise NpNNError if a module or a parameter is used at two places.

        A module keeps only its last use, a parameter only its last gradient.
        """
        seen: dict[int, str] = {}
        for name, held in [*self.named_modules(), *self._named(Parameter, Buffer).items()]:
            if id(held) in seen:
                raise NpNNError(
                    f"{type(self).__name__}: one {held} is used at {seen[id(held)]} and at {name}, "
                    "but keeps only its last use: create one for each place"
                )
            seen[id(held)] = name

    def _named(self, *kinds):
        """Return {name: attribute} of these kinds, in this module and its descendants."""
        own = {}
        for kind in kinds:
            own |= {name: value for name, value in vars(self).items() if isinstance(value, kind)}
        for child_name, child in self.children().items():
            own |= {f"{child_name}.{name}": value for name, value in child._named(*kinds).items()}
        return own

    def named_parameters(self) -> dict[str, Parameter]:
        """Return {name: Parameter}, named as in PyTorch, such as "0.weight" and "0.bias"."""
        return self._named(Parameter)

    def named_buffers(self) -> dict[str, Buffer]:
        """Return {name: Buffer}, named as in PyTorch, such as "1.running_mean"."""
        return self._named(Buffer)

    def parameters(self) -> list[Parameter]:
        """Return a list of the parameters, each once, for an optimizer."""
        return list({id(p): p for p in self.named_parameters().values()}.values())

    def state_dict(self) -> dict[str, Array]:
        """Return {name: array}: copies of parameters and buffers in PyTorch's names and layout."""
        return {name: held.export() for name, held in self._named(Parameter, Buffer).items()}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Copy arrays, named and shaped as in ``state_dict``, into the module.

        Raises NpNNError, before anything is changed, if a name or a shape differs, or the
        module's dtype cannot hold a number.
        """
        own = self.state_dict()
        if not isinstance(state, Mapping):
            raise NpNNError(f"the state must be a dict {{name: array}}, got {shown(state)}")
        if own.keys() != state.keys():
            missing, extra = own.keys() - state.keys(), sorted(state.keys() - own.keys(), key=str)
            raise NpNNError(
                f"the state has other names: missing {sorted(missing)}, unexpected {extra}"
            )
        given = {name: converted(state[name], array.dtype, name) for name, array in own.items()}
        for name, array in own.items():
            if array.shape != given[name].shape:
                raise NpNNError(f"{name} has shape {given[name].shape}, not {array.shape}")
        for name, held in self._named(Parameter, Buffer).items():
            held.load(given[name])

    def to(self, dtype: DTypeLike) -> Self:
        """Convert parameters and buffers to float32 or float64, in place; return the module.

        Raises NpNNError for another dtype.
        """
        try:
            fits = dtype is not None and np.dtype(dtype) in FLOATS
        except TypeError:  # no dtype at all
            fits = False
        if not fits:
            raise NpNNError(f"a module's dtype must be float32 or float64, got {dtype}")
        for held in self._named(Parameter, Buffer).values():
            held.to(dtype)
        return self

    def train(self, mode: bool = True) -> Self:
        """Switch to training mode (or, with mode=False, to evaluation); return the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch to evaluation mode; return the module."""
        return self.train(False)

    def random_state(self) -> dict[str, tuple[int, int]]:
        """Return {name: (seed, calls)}, the stream states of the layers that draw numbers."""
        return {name: module.stream.state for name, module in self._streaming()}

    def load_random_state(self, states: Mapping[str, tuple[int, int]]) -> None:
        """Restore the streams returned by ``random_state``.

        Raises NpNNError, before anything is changed, for the state of other layers.
        """
        check_alike(self.random_state(), states, "layers' random numbers")
        for name, module in self._streaming():
            module.stream.state = tuple(states[name])

    def _streaming(self):
        return [(name, m) for name, m in self.named_modules() if hasattr(m, "stream")]

    def _work(self, name, shape, dtype):
        """Return a C-contiguous work array, allocated once and reused by later steps.

        A smaller batch gets the first rows of the array of the largest batch so far.
        """
        held = self.ctx.arrays.get(name)
        fits = held is not None and held.dtype == dtype and held.shape[1:] == shape[1:]
        if not fits or len(held) < shape[0]:
            held = self.ctx.arrays[name] = np.empty(shape, dtype)
        return held[: shape[0]]


AnyModule = TypeVar("AnyModule", bound=Module)


class Sequential(Module):
    """Layers one after the other; PyTorch's Sequential.

    forward: x (N, I) -> the last layer's output. backward: the layers in reverse.

    Raises NpNNError for an argument that is not a Module, and for a Module used at two places.
    """

    def __init__(self, *layers: Module) -> None:
        super().__init__()
        for layer in layers:
            if not isinstance(layer, Module):
                raise NpNNError(f"Sequential takes modules one by one, not {layer!r}")
        self.layers = layers
        self.check_places()

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(repr, self.layers))})"

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Any:
        return self.layers[index]

    def children(self) -> "dict[str, Module]":
        return {str(index): layer for index, layer in enumerate(self.layers)}

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad: Array, input_grad: bool = True) -> Array | None:
        """Return dL/d(input) from grad, dL/d(output), or None with input_grad=False.

        The first layer's input is the data, whose gradient training does not need.
        """
        for layer in reversed(self.layers[1:]):
            grad = layer.backward(grad)
        return self.layers[0].backward(grad, input_grad) if self.layers else grad


def is_chain(module: Module) -> TypeGuard[Sequential]:
    """Return whether a module is a plain chain: a Sequential that does not override forward."""
    return type(module).forward is Sequential.forward
