"""MLPRegressor: a multilayer perceptron for regression."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from np_nn.estimators import likelihood, parameters
from np_nn.estimators.base import BaseMLP
from np_nn.estimators.likelihood import HalfSquaredError
from np_nn.estimators.parameters import Activation, RandomState, Rate, Solver
from np_nn.training.callbacks import Callback
from np_nn.utils.arrays import as_float
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array, ArrayLike, Self


class MLPRegressor(RegressorMixin, BaseMLP):
    """Multilayer perceptron for regression; scikit-learn's MLPRegressor, in float32.

    All parameters of ``sklearn.neural_network.MLPRegressor`` have the same meaning. Additional
    parameters:

    Args:
        dropout: fraction of each hidden layer's units dropped in training, at least 0, below 1;
            not with "lbfgs".
        callbacks: Callback objects, called during training; not with "lbfgs".

    Attributes are those of scikit-learn, and ``validation_loss_curve_``: with early_stopping, the
    loss of the held-out samples after each epoch, without the penalty. With several targets,
    ``loss_`` is the sum over the targets, whose gradient training follows; scikit-learn reports
    the mean.
    """

    def __init__(
        self, loss: Literal["squared_error", "poisson"] = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,), activation: Activation = "relu", *,
        solver: Solver = "adam", alpha: float = 0.0001, batch_size: int | Literal["auto"] = "auto",
        learning_rate: Rate = "constant", learning_rate_init: float = 0.001, power_t: float = 0.5,
        max_iter: int = 200, shuffle: bool = True, random_state: RandomState = None,
        tol: float = 1e-4, verbose: bool = False, warm_start: bool = False, momentum: float = 0.9,
        nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-8, n_iter_no_change: float = 10, max_fun: int = 15000,
        dropout: float = 0.0, callbacks: Iterable[Callback] | None = None,
    ) -> None:  # fmt: skip
        parameters.store(self, locals())

    @available_if(BaseMLP._is_stochastic)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train one more epoch on X (n, I), y (n,) or (n, outputs); return self."""
        return self._fit(X, y, sample_weight, resume=True, incremental=True)

    def predict(self, X: ArrayLike) -> Array:
        """Return the predictions for X (n, I): (n,) or (n, outputs) float32."""
        values = self._means(self._outputs(X))
        return values[:, 0] if self.n_outputs_ == 1 else values

    # ---- Methods that BaseMLP calls -----------------------------------------------------------

    def _encode(self, y, first, classes):
        if self.loss == "poisson" and y.min() < 0:
            raise NpNNError("MLPRegressor: the poisson loss needs targets y of at least 0")
        if first:
            self.out_activation_ = "exp" if self.loss == "poisson" else "identity"
        targets = as_float(y.reshape(len(y), -1), np.float32, "y")
        return targets, targets.shape[1]

    def _loss(self, targets, weights):
        if self.out_activation_ == "identity" and weights is None:
            return HalfSquaredError(), targets
        return likelihood.weighted(self.out_activation_, targets, weights)

    def _class_weights(self, y):
        return None

    def _stratify(self, y):
        return None

    def _score(self, y, outputs, weights):
        values = self._means(outputs)
        if not np.isfinite(values).all():
            return np.nan
        return float(r2_score(y, values, sample_weight=weights))
