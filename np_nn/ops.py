"""Operations that layers, losses and optimizers call: compiled, NumPy, or the user's own.

Each function of the package ``reference`` has one of the same name here. It runs the compiled
kernel if one is built and in use and the arrays suit it, else the NumPy function; or the function
that ``use`` put in its place. The table of all operations is at the end.
"""

import functools
import importlib
import inspect
import os
import pkgutil
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from np_nn import reference
from np_nn.utils import machine
from np_nn.utils.errors import NpNNError, unknown_name
from np_nn.utils.replace import contains, rebound, replacements
from np_nn.utils.types import Kernels

CHOICES = ("auto", "numpy", "compiled")
ISA = os.environ.get("NP_NN_ISA", "")  # as the kernels read it when they are imported
SUITED = "?bBhHiIlLqQf"  # NumPy's letters for the integers, and for float32
Function = TypeVar("Function", bound=Callable)

REFERENCE = {
    name: function
    for name, function in inspect.getmembers(reference, inspect.isfunction)
    if function.__module__.startswith(reference.__name__) and not name.startswith("_")
}


def check_isa():
    """Raise NpNNError if NP_NN_ISA names no instruction set of this CPU architecture.

    ``import np_nn`` does not raise it, so that programs can report it in one line; each kernel
    raises it when called.
    """
    if ISA and SETS and ISA not in SETS:
        raise NpNNError(f"NP_NN_ISA: {unknown_name('instruction set', ISA, SETS)}")


def _find_kernels():
    """Import the kernels built beside this file; return {name: function} and their modules."""
    folder, found, modules = Path(__file__).with_name("_kernels"), {}, []
    for info in pkgutil.iter_modules([str(folder)]):
        module = importlib.import_module(f"np_nn._kernels.{info.name}")
        modules.append(module)
        if hasattr(module, "set_rows_type"):
            module.set_rows_type(reference.Rows)
        found.update({name: getattr(module, name) for name in REFERENCE if hasattr(module, name)})
    sharing = [module for module in modules if hasattr(module, "use_team")]
    for module in sharing:  # one thread team for all, so that no two spin on the same cores
        module.use_team(sharing[0].team())
    return found, modules


def _suits_kernel(argument):
    """Return whether kernels can read it: native, C-contiguous, integers or float32."""
    return not isinstance(argument, np.ndarray) or (
        argument.flags.c_contiguous and argument.dtype.char in SUITED and argument.dtype.isnative
    )


KERNELS, MODULES = _find_kernels()
SETS = next((module.sets() for module in MODULES if hasattr(module, "sets")), ())  # the best first
if ISA and SETS and ISA not in SETS:
    KERNELS = dict.fromkeys(KERNELS, lambda *arguments: check_isa())

choice = "auto"  # one of CHOICES
own: dict[str, Callable] = {}  # the user's functions in place of operations, by name
active: frozenset[str] = frozenset()  # names of the operations that run compiled
_others: dict[str, Callable] = {}  # what runs in place of the NumPy functions, by name
_calls: dict[str, Callable] = {}  # the operations, by name
threads = machine.threads()  # maximum thread count of a kernel: its last argument


class _Limit(threading.local):
    """Maximum thread count of kernels in this Python thread: see ``at_most``."""

    threads = None


_limit = _Limit()


def operation(function: Function) -> Function:
    """Return a function of ``reference`` that runs its compiled kernel while that is in use.

    The NumPy function ignores floating-point errors, as kernels do, whatever ``np.seterr`` says.
    """
    name = function.__name__
    kernel = KERNELS.get(name)

    @functools.wraps(function, assigned=("__name__", "__qualname__", "__doc__"))
    def call(*arguments):
        if name in active:
            try:  # the kernel checks its arguments before it changes anything
                return kernel(*arguments, _limit.threads or threads)
            except ValueError:
                if all(map(_suits_kernel, arguments)):
                    raise
        with np.errstate(all="ignore"):
            return _others.get(name, function)(*arguments)

    _calls[name] = call
    return call  # type: ignore[return-value]


def use(kernels: Kernels | Mapping[str, Callable[..., Any] | None] | ModuleType) -> ExitStack:
    """Select the implementation of the operations: for good, or for a ``with`` block.

    "numpy": the NumPy functions. "compiled": the built kernels, and NumPy for
    operations that have none. "auto": the same, but no error if none is built.

    {"relu_backward": function} replaces that operation of ``np_nn.reference``; the function
    takes the same arguments, and may take ``threads`` after them. A module, also a compiled one,
    replaces all operations whose names it has. None ends a replacement, a word does not. Kernels
    and training loops that contain a replaced operation are not used.

    Returns a context manager whose end, or ``close()``, restores what was in use before. Raises
    NpNNError for what it cannot use, and for "compiled" when nothing is built.
    """
    before = ExitStack()
    before.callback(_select, choice, own)
    if not isinstance(kernels, str):
        more = replacements(kernels, REFERENCE, lambda: _limit.threads or threads)
        _select(choice, {name: one for name, one in (own | more).items() if one})
        return before
    if kernels not in CHOICES:
        raise unknown_name("kernels setting", kernels, CHOICES)
    if kernels == "compiled" and not KERNELS:
        raise NpNNError(
            "no compiled kernel is built; build them with 'pip install -e .' or use --kernels numpy"
        )
    _select(kernels, own)
    return before


def _select(word, functions):
    """Set the choice and the user's functions, and all that follows from them."""
    global choice, own, active, _others
    choice, own = word, functions
    outer = [n for n, f in REFERENCE.items() if any(contains(f, REFERENCE[o]) for o in own)]
    _others = {name: rebound(REFERENCE[name], _calls) for name in outer} | own
    active = frozenset(KERNELS if word != "numpy" else ()).difference(outer)


def fast(*names):
    """Return whether the kernels of all these operations are in use, or a user's function of one.

    Layers are fused, and loops compiled, only then.
    """
    return not own.keys().isdisjoint(names) or set(names) <= set(active)


def set_threads(count):
    """Set the thread count of the kernels and of NumPy's matrix products to `count`."""
    global threads
    threads = count
    machine.limit_threads(count)


@contextmanager
def at_most(count):
    """Set this Python thread's kernels to use `count` threads in a ``with`` block."""
    before, _limit.threads = _limit.threads, count
    try:
        yield
    finally:
        _limit.threads = before


def describe():
    """Describe the current choice for reports: "numpy", or the kernels and instruction set."""
    said = "numpy"
    if active:
        check_isa()
        traits = sorted({module.isa() for module in MODULES if hasattr(module, "isa")})
        said = f"compiled kernels ({', '.join(traits)})"
    return f"{said}, own {', '.join(sorted(own))}" if own else said


def default():
    """Return the kernels setting to start from: NP_NN_KERNELS, or "auto" if that is empty."""
    return os.environ.get("NP_NN_KERNELS") or "auto"


def _use_environment():
    """Apply NP_NN_KERNELS; warn and keep the default if it is invalid."""
    try:
        use(default())
    except NpNNError as error:
        warnings.warn(f"NP_NN_KERNELS: {error}", stacklevel=2)
        use("auto")


_use_environment()

# gather
gather = operation(reference.gather)

# linear
linear_forward = operation(reference.linear_forward)
linear_backward_weight = operation(reference.linear_backward_weight)
linear_backward_bias = operation(reference.linear_backward_bias)
linear_backward_input = operation(reference.linear_backward_input)

# sparse
compress = operation(reference.compress)
expand = operation(reference.expand)
sparse_linear_forward = operation(reference.sparse_linear_forward)
sparse_linear_backward_weight = operation(reference.sparse_linear_backward_weight)

# activations
sigmoid_forward = operation(reference.sigmoid_forward)
sigmoid_backward = operation(reference.sigmoid_backward)
tanh_forward = operation(reference.tanh_forward)
tanh_backward = operation(reference.tanh_backward)
scaled_tanh_forward = operation(reference.scaled_tanh_forward)
scaled_tanh_backward = operation(reference.scaled_tanh_backward)
relu_forward = operation(reference.relu_forward)
relu_backward = operation(reference.relu_backward)
leaky_relu_forward = operation(reference.leaky_relu_forward)
leaky_relu_backward = operation(reference.leaky_relu_backward)
elu_forward = operation(reference.elu_forward)
elu_backward = operation(reference.elu_backward)
gelu_forward = operation(reference.gelu_forward)
gelu_backward = operation(reference.gelu_backward)
silu_forward = operation(reference.silu_forward)
silu_backward = operation(reference.silu_backward)
softmax_forward = operation(reference.softmax_forward)
softmax_backward = operation(reference.softmax_backward)
log_softmax_forward = operation(reference.log_softmax_forward)
log_softmax_backward = operation(reference.log_softmax_backward)

# norm
batch_norm_forward = operation(reference.batch_norm_forward)
batch_norm_track = operation(reference.batch_norm_track)
batch_norm_backward = operation(reference.batch_norm_backward)
batch_norm_relu_forward = operation(reference.batch_norm_relu_forward)
batch_norm_relu_backward = operation(reference.batch_norm_relu_backward)
batch_norm_apply = operation(reference.batch_norm_apply)
batch_norm_apply_backward = operation(reference.batch_norm_apply_backward)
layer_norm_forward = operation(reference.layer_norm_forward)
layer_norm_backward = operation(reference.layer_norm_backward)

# convolution
conv2d_forward = operation(reference.conv2d_forward)
conv2d_backward_weight = operation(reference.conv2d_backward_weight)
conv2d_backward_bias = operation(reference.conv2d_backward_bias)
conv2d_backward_input = operation(reference.conv2d_backward_input)
conv_relu_pool_forward = operation(reference.conv_relu_pool_forward)
conv_relu_pool_backward = operation(reference.conv_relu_pool_backward)

# pooling
max_pool2d_forward = operation(reference.max_pool2d_forward)
max_pool2d_backward = operation(reference.max_pool2d_backward)
avg_pool2d_forward = operation(reference.avg_pool2d_forward)
avg_pool2d_backward = operation(reference.avg_pool2d_backward)
adaptive_avg_pool2d_forward = operation(reference.adaptive_avg_pool2d_forward)
adaptive_avg_pool2d_backward = operation(reference.adaptive_avg_pool2d_backward)

# residual
add = operation(reference.add)
add_relu = operation(reference.add_relu)

# noise
kept_by_dropout = operation(reference.kept_by_dropout)
dropout = operation(reference.dropout)
gaussian_noise = operation(reference.gaussian_noise)

# losses
mse = operation(reference.mse)
bce = operation(reference.bce)
bce_with_logits = operation(reference.bce_with_logits)
cross_entropy_forward = operation(reference.cross_entropy_forward)
cross_entropy_backward = operation(reference.cross_entropy_backward)
cross_entropy = operation(reference.cross_entropy)
weighted_cross_entropy = operation(reference.weighted_cross_entropy)
nll = operation(reference.nll)
focal = operation(reference.focal)

# optimizers
sgd_step = operation(reference.sgd_step)
adam_step = operation(reference.adam_step)
adagrad_step = operation(reference.adagrad_step)
rmsprop_step = operation(reference.rmsprop_step)
adadelta_step = operation(reference.adadelta_step)

# mlp
mlp_steps = operation(reference.mlp_steps)

# warp
image_moments = operation(reference.image_moments)
warp_images = operation(reference.warp_images)
