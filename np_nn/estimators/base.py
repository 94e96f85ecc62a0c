"""Base class of MLPClassifier and MLPRegressor: a Sequential that ``fit`` trains."""

import warnings
from itertools import pairwise

import numpy as np
from sklearn.base import BaseEstimator, is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, column_or_1d, shuffle
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from np_nn.data.split import is_matrix
from np_nn.estimators import lbfgs, parameters
from np_nn.estimators.epochs import Epochs
from np_nn.estimators.inputs import as_numbers, as_split, check_numeric, take
from np_nn.estimators.likelihood import FAMILIES
from np_nn.layers import Dropout, Linear, ReLU, Sigmoid, Tanh
from np_nn.layers.module import Sequential
from np_nn.optim import SGD, Adam
from np_nn.training.callbacks import Hooks
from np_nn.training.fit import fit, predict
from np_nn.utils.arrays import as_float
from np_nn.utils.errors import DivergedError, NpNNError
from np_nn.utils.types import ArrayLike, Self

ACTIVATIONS = {"identity": (), "logistic": (Sigmoid,), "tanh": (Tanh,), "relu": (ReLU,)}
AUTO_BATCH = 200
FEWEST_HELD_OUT = 2


class BaseMLP(BaseEstimator):
    """Multilayer perceptron with scikit-learn's parameters, attributes and random numbers.

    A subclass implements ``_encode`` (targets and number of outputs), ``_loss``, ``_score`` of
    held-out samples, ``_stratify`` (labels by which these are drawn evenly), and
    ``_class_weights`` (weight of each sample by its class).
    """

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on X (n, I) and y; return self.

        X: array, data frame or sparse matrix, which stays sparse. sample_weight (n,): weights of
        at least 0; samples of weight 0 are left out.

        Raises NpNNError, a ValueError, for invalid parameters, weights and targets, and
        DivergedError if the loss does not stay finite.
        """
        return self._fit(X, y, sample_weight, resume=self.warm_start)

    def _fit(self, X, y, sample_weight, resume, incremental=False, classes=None):
        parameters.check(self)
        callbacks = list(self.callbacks or ())
        Hooks(callbacks)
        hidden = parameters.hidden_sizes(self)
        if incremental and self.early_stopping:
            raise NpNNError("partial_fit does not support early_stopping=True")
        first = not (resume and hasattr(self, "coefs_"))
        X, y = validate_data(
            self, X, y, accept_sparse="csr", multi_output=True, dtype="numeric", reset=first
        )
        check_numeric(X.dtype, "X")
        y = y.toarray() if is_matrix(y) else y
        y = as_numbers(y, "y") if is_regressor(self) else y
        y = column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
        targets, outputs = self._encode(y, first, classes)
        weights = self._weights(X, y, sample_weight)
        if weights is not None:
            kept = np.flatnonzero(weights)
            if not (kept.size or incremental):
                raise NpNNError("the sample weights are 0 for all samples, in float32")
            X, y, targets, weights = X[kept], y[kept], targets[kept], weights[kept]
        rng = check_random_state(self.random_state)
        if first:
            self._start([X.shape[1], *hidden, outputs], rng)
        elif outputs != self.n_outputs_:
            raise NpNNError(f"y has {outputs} outputs, but {self.n_outputs_} were learnt before")
        if not len(y):  # a batch whose classes all weigh 0
            return self
        loss, targets = self._loss(targets, weights)
        if self.solver == "lbfgs":
            self._minimize(X, targets, loss)
        else:
            self._train(X, y, targets, weights, loss, rng, incremental, callbacks)
        if not all(np.isfinite(array).all() for array in self.coefs_ + self.intercepts_):
            raise DivergedError(DIVERGED)
        return self

    # ---- Weights -----------------------------------------------------------------------------

    def _weights(self, X, y, sample_weight):
        """Return the weight of each sample, (n,) float32, or None if all are 1."""
        of_classes = self._class_weights(y)
        if sample_weight is None and of_classes is None:
            return None
        if sample_weight is not None:
            sample_weight = as_numbers(sample_weight, "sample_weight")
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if weights.min() < 0 or not weights.any():
            raise NpNNError("sample_weight must not be negative, and not 0 for all samples")
        weights = weights if of_classes is None else weights * of_classes
        return as_float(weights, np.float32, "the sample weights")

    def _start(self, sizes, rng):
        """Draw the initial weights in scikit-learn's order (Glorot and Bengio 2010)."""
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self.coefs_, self.intercepts_ = [], []
        factor = 2.0 if self.activation == "logistic" else 6.0
        for ins, outs in pairwise(sizes):
            bound = np.sqrt(factor / (ins + outs))
            self.coefs_.append(rng.uniform(-bound, bound, (ins, outs)).astype(np.float32))
            self.intercepts_.append(rng.uniform(-bound, bound, outs).astype(np.float32))
        self.n_iter_ = self.t_ = 0
        self._optimizer_state = None

    def _start_curves(self):
        watched = self.early_stopping
        self.loss_curve_, self._no_improvement_count = [], 0
        self.best_loss_ = None if watched else np.inf
        self.validation_scores_ = [] if watched else None
        self.validation_loss_curve_ = [] if watched else None
        self.best_validation_score_ = -np.inf if watched else None

    def _model(self, dropout=0.0):
        """Return the network as a Sequential that shares the arrays coefs_ and intercepts_."""
        last, layers = len(self.coefs_) - 1, []
        for i, (weight, bias) in enumerate(zip(self.coefs_, self.intercepts_, strict=True)):
            layers.append(
                Linear.of(*(as_float(np.asarray(a), np.float32, "coefs_") for a in (weight, bias)))
            )
            if i < last:
                layers += [activation() for activation in ACTIVATIONS[self.activation]]
                layers += [Dropout(dropout)] if dropout else []
        return Sequential(*layers)

    def _keep(self, arrays):
        """Set coefs_ and intercepts_ to the arrays of a model: weight, bias, weight ..."""
        self.coefs_, self.intercepts_ = list(arrays[::2]), list(arrays[1::2])

    # ---- Training ----------------------------------------------------------------------------

    def _minimize(self, X, targets, loss):
        model = self._model()
        self.loss_, self.n_iter_ = lbfgs.train(
            model, X, targets, loss, alpha=self.alpha, max_iter=self.max_iter,
            max_fun=self.max_fun, tol=self.tol, verbose=self.verbose,
        )  # fmt: skip
        self._keep([p.data for p in model.parameters()])

    def _train(self, X, y, targets, weights, loss, rng, incremental, callbacks):
        if not self.t_ or self.early_stopping != (self.validation_scores_ is not None):
            self._start_curves()
        data, score = as_split(X, targets), None
        model = self._model(self.dropout)
        self._keep([p.data for p in model.parameters()])
        if self.early_stopping:
            data, held_out, rows = self._hold_out(data, y, rng)
            watched = None if weights is None else weights[rows]
            score = self._scorer(held_out, y[rows], watched, loss)
        n, batch_size = len(data), self._batch_size(len(data))
        if not incremental:
            self._optimizer_state = None
        optimizer = self._optimizer(model)
        state = self._optimizer_state
        if state and [*map(len, state["moments"])] == [*map(len, optimizer.moments)]:
            optimizer.load_state_dict(state)  # unless it is another solver's
        epochs = Epochs(self, n, score)
        self.n_iter_ = 0
        try:
            history = fit(
                model, data, loss, optimizer, epochs=1 if incremental else self.max_iter,
                batch_size=batch_size, order=self._order(n, rng), l2=self.alpha,
                callbacks=[epochs, *callbacks], quiet=True,
                seed=self.t_ + rng.randint(2**31) if self.dropout else 0,
            )  # fmt: skip
        except DivergedError:
            raise DivergedError(DIVERGED) from None
        self._optimizer_state = optimizer.state_dict()
        if epochs.best:
            self._keep(epochs.best)
        if history.interrupted:
            warnings.warn("Training interrupted by user.", stacklevel=4)
        elif not (incremental or history.done < history.steps or epochs.converged):
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _batch_size(self, n):
        if self.batch_size == "auto":
            return min(AUTO_BATCH, n)
        if self.batch_size > n:
            warnings.warn(
                f"batch_size {self.batch_size} is larger than the {n} samples: all are one batch",
                stacklevel=5,
            )
        return int(min(self.batch_size, n))

    def _order(self, n, rng):
        """Return a function () -> order of the samples in the next epoch, as scikit-learn's."""
        indices = np.arange(n)

        def order():
            nonlocal indices
            indices = shuffle(indices, random_state=rng) if self.shuffle else indices
            return indices

        return order

    def _optimizer(self, model):
        rate = self.learning_rate_init
        if self.solver == "adam":
            betas = self.beta_1, self.beta_2
            return Adam(model.parameters(), rate, betas=betas, eps=self.epsilon, eps_hat=True)
        nesterov = bool(self.nesterovs_momentum and self.momentum)
        return SGD(model.parameters(), rate, momentum=self.momentum, nesterov=nesterov)

    def _hold_out(self, data, y, rng):
        """Return (training Split, held-out Split, indices of the held-out rows)."""
        rows, fraction = np.arange(len(data)), float(self.validation_fraction)
        train, held_out = (
            train_test_split(rows, random_state=rng, test_size=fraction, stratify=self._stratify(y))
            if fraction
            else (rows, ())
        )
        if len(held_out) < FEWEST_HELD_OUT:
            raise NpNNError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                "your dataset."
            )
        return take(data, train), take(data, held_out), held_out

    def _scorer(self, held_out, y, weights, loss):
        """Return a function () -> (score, loss) of the held-out samples, by current weights."""

        def score():
            outputs = predict(self._model(), held_out)
            return self._score(y, outputs, weights), loss.forward(outputs, held_out.labels)

        return score

    # ---- Use ---------------------------------------------------------------------------------

    def _outputs(self, X):
        """Return the outputs for X before the last activation: (n, n_outputs_) float32."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype="numeric", reset=False)
        check_numeric(X.dtype, "X")
        return predict(self._model(), as_split(X))

    @np.errstate(all="ignore")  # tiny probabilities underflow
    def _means(self, outputs):
        return FAMILIES[self.out_activation_].mean(outputs)

    def _is_stochastic(self):
        if self.solver == "lbfgs":
            raise AttributeError("partial_fit is only available for the solvers sgd and adam")
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


DIVERGED = (
    "Solver produced non-finite parameter weights: the loss grew without bound. Scale the input, "
    "as with StandardScaler, or choose a smaller learning_rate_init."
)
