"""Parameters of the estimators: their storage and their checks."""

import inspect
import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import Literal, get_args

import numpy as np
from sklearn.utils import check_random_state

from np_nn.utils.checks import WIDEST
from np_nn.utils.errors import NpNNError

Activation = Literal["identity", "logistic", "tanh", "relu"]
Solver = Literal["lbfgs", "sgd", "adam"]
Rate = Literal["constant", "invscaling", "adaptive"]
RandomState = int | np.random.RandomState | None
MOST = 10**9  # iterations, evaluations


def store(estimator, given):
    """Store a constructor's arguments, `given` as its ``locals()``, unchanged as attributes."""
    for name in list(inspect.signature(type(estimator)).parameters):
        setattr(estimator, name, given[name])


def _one_of(*words):
    return lambda value: isinstance(value, str) and value in words, f"one of {', '.join(words)}"


def _number(low, high=math.inf, kind=Real, above=False, below=False):
    """Return the rule of numbers from `low` to `high`; above, below: exclude `low`, `high`."""

    def fits(value):
        if not isinstance(value, kind) or isinstance(value, bool | np.bool_):
            return False
        return (low < value if above else low <= value) and (
            value < high if below else value <= high
        )

    noun = "a whole number" if kind is Integral else "a number"
    noun = "a finite number" if below and high == math.inf else noun
    words = f"{noun} {'above' if above else 'of at least'} {low:g}"
    if high < math.inf:
        words += f" and {'below' if below else 'at most'} {high:g}"
    return fits, words


def _whole_or(other):
    fits, words = _number(1, kind=Integral)
    return (
        lambda value: fits(value) or (isinstance(value, type(other)) and value == other),
        f"{words}, or {other!r}",
    )


def _is_random_state(value):
    try:
        return bool(check_random_state(value))
    except (TypeError, ValueError):
        return False


_flag = (lambda value: isinstance(value, bool | np.bool_), "True or False")
_verbose = (
    lambda value: isinstance(value, int | np.integer | np.bool_) and value >= 0,
    "True, False or a whole number of at least 0",
)

# {parameter: (predicate of valid values, the words after "must be" in the error)}
RULES = {
    "activation": _one_of(*get_args(Activation)),
    "solver": _one_of(*get_args(Solver)),
    "alpha": _number(0, below=True),
    "batch_size": _whole_or("auto"),
    "learning_rate": _one_of(*get_args(Rate)),
    "learning_rate_init": _number(0, above=True, below=True),
    "power_t": _number(0, below=True),
    "max_iter": _number(1, MOST, kind=Integral),
    "shuffle": _flag,
    "random_state": (
        _is_random_state,
        f"None, a whole number from 0 to {2**32 - 1}, or a RandomState",
    ),
    "tol": _number(0, below=True),
    "verbose": _verbose,
    "warm_start": _flag,
    "momentum": _number(0, 1),
    "nesterovs_momentum": _flag,
    "early_stopping": _flag,
    "validation_fraction": _number(0, 1, below=True),
    "beta_1": _number(0, 1, below=True),
    "beta_2": _number(0, 1, below=True),
    "epsilon": _number(0, above=True, below=True),
    "n_iter_no_change": _whole_or(math.inf),
    "max_fun": _number(1, MOST, kind=Integral),
    "dropout": _number(0, 1, below=True),
    "callbacks": (
        lambda value: (
            value is None
            or (isinstance(value, Iterable) and not isinstance(value, str | Mapping | np.ndarray))
        ),
        "a list of Callback objects, or None",
    ),
    "loss": _one_of("squared_error", "poisson"),
}


def check(estimator):
    """Raise NpNNError for the first invalid parameter."""
    for name, value in estimator.get_params(deep=False).items():
        fits, words = RULES.get(name, (lambda value: True, ""))
        if not fits(value):
            raise NpNNError(f"{type(estimator).__name__}: {name} must be {words}, got {value!r}")
    if estimator.solver == "lbfgs" and (estimator.dropout or estimator.callbacks):
        raise NpNNError(
            f"{type(estimator).__name__}: dropout and callbacks need solver sgd or adam, got lbfgs"
        )


def hidden_sizes(estimator):
    """Return the widths of the hidden layers, a list of int. Raises NpNNError for other values."""
    given = estimator.hidden_layer_sizes
    sizes = list(given) if np.iterable(given) else [given]
    fits, _ = _number(1, WIDEST, kind=Integral)
    if isinstance(given, Mapping) or not all(map(fits, sizes)):
        name = type(estimator).__name__
        raise NpNNError(f"{name}: hidden_layer_sizes must be > 0 and whole numbers, got {given!r}")
    return [int(size) for size in sizes]
