"""MLPClassifier: a multilayer perceptron for classes and for multilabel targets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels

from np_nn.estimators import likelihood, parameters
from np_nn.estimators.base import BaseMLP
from np_nn.estimators.parameters import Activation, RandomState, Rate, Solver
from np_nn.losses import CrossEntropyLoss, one_hot
from np_nn.training.callbacks import Callback
from np_nn.utils.checks import is_amount
from np_nn.utils.errors import NpNNError
from np_nn.utils.types import Array, ArrayLike, Self


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multilayer perceptron for classification; scikit-learn's MLPClassifier, in float32.

    All parameters of ``sklearn.neural_network.MLPClassifier`` have the same meaning. The same
    random_state gives the same initial weights and batches, and the same curves up to rounding.
    Additional parameters:

    Args:
        dropout: fraction of each hidden layer's units dropped in training, at least 0, below 1;
            not with "lbfgs".
        class_weight: None, "balanced", or {class: weight of at least 0}, which multiplies
            sample_weight; for labels a list of one {0: weight, 1: weight} per label.
        callbacks: Callback objects, called during training; not with "lbfgs".

    Attributes are those of scikit-learn, and ``validation_loss_curve_``: with early_stopping, the
    loss of the held-out samples after each epoch, without the penalty.
    """

    def __init__(
        self, hidden_layer_sizes: int | Sequence[int] = (100,), activation: Activation = "relu", *,
        solver: Solver = "adam", alpha: float = 0.0001, batch_size: int | Literal["auto"] = "auto",
        learning_rate: Rate = "constant", learning_rate_init: float = 0.001, power_t: float = 0.5,
        max_iter: int = 200, shuffle: bool = True, random_state: RandomState = None,
        tol: float = 1e-4, verbose: bool = False, warm_start: bool = False, momentum: float = 0.9,
        nesterovs_momentum: bool = True, early_stopping: bool = False,
        validation_fraction: float = 0.1, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-8, n_iter_no_change: float = 10, max_fun: int = 15000,
        dropout: float = 0.0, class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        callbacks: Iterable[Callback] | None = None,
    ) -> None:  # fmt: skip
        parameters.store(self, locals())

    @available_if(BaseMLP._is_stochastic)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:  # fmt: skip
        """Train one more epoch on X (n, I) and y (n,) or (n, labels); return self.

        classes: all classes of all calls; required in the first call, and unchanged in later ones.
        """
        if self.class_weight == "balanced":
            raise NpNNError(
                'partial_fit does not take class_weight="balanced", as it sees one batch at a '
                "time: pass {class: weight}"
            )
        first = not hasattr(self, "coefs_")
        if first and classes is None:
            raise NpNNError("classes must be passed on the first call to partial_fit.")
        if not first and classes is not None and not _same(unique_labels(classes), self.classes_):
            raise NpNNError(
                f"classes={classes!r} differs from the first call's {self.classes_!r}: pass those"
            )
        return self._fit(X, y, sample_weight, resume=True, incremental=True, classes=classes)

    def predict(self, X: ArrayLike) -> Array:
        """Return the class of each row of X (n, I): (n,); or its labels, (n, labels) of 0 and 1."""
        return self._decide(self._outputs(X))

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class (n, classes), or of each label; float32.

        Columns are in the order of ``classes_``.
        """
        p = self._means(self._outputs(X))
        return np.hstack([1 - p, p]) if self.n_outputs_ == 1 else p

    @np.errstate(all="ignore")
    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Return the logarithm of ``predict_proba``, accurate for tiny probabilities, too."""
        z = self._outputs(X)
        if self.n_outputs_ == 1:
            return log_expit(np.hstack([-z, z]))
        return log_softmax(z, axis=1) if self.out_activation_ == "softmax" else log_expit(z)

    # ---- Methods that BaseMLP calls -----------------------------------------------------------

    def _encode(self, y, first, classes):
        check_classification_targets(y)
        if first:
            labels = y if classes is None or type_of_target(y).startswith("multilabel") else classes
            self._binarizer = LabelBinarizer().fit(labels)
            self.classes_ = self._binarizer.classes_
            several = self._binarizer.y_type_ == "multiclass"
            self.out_activation_ = "softmax" if several else "logistic"
        if not first or classes is not None:
            self._check_classes(unique_labels(y), first)
        if self.out_activation_ == "softmax":
            return np.searchsorted(self.classes_, y), len(self.classes_)
        targets = self._binarizer.transform(y).astype(np.float32)
        return targets, targets.shape[1]

    def _check_classes(self, found, first):
        if not np.isin(found, self.classes_).all():
            raise NpNNError(f"y has classes {found}; all must be among {self.classes_}")
        if self.warm_start and not first and not _same(found, self.classes_):
            raise NpNNError(
                f"warm_start needs the classes of the previous fit, {self.classes_}; y has {found}"
            )

    def _loss(self, targets, weights):
        if self.out_activation_ == "softmax":
            if weights is None:
                return CrossEntropyLoss(), targets
            targets = one_hot(targets, self.n_outputs_)
        return likelihood.weighted(self.out_activation_, targets, weights)

    def _class_weights(self, y):
        given, several = self.class_weight, y.ndim == 2
        if given is None or isinstance(given, str):
            return None if given is None else compute_sample_weight(given, y)
        columns, classes = (y.T, np.arange(2)) if several else ([y], self.classes_)
        tables = given if several else [given]
        if not (isinstance(tables, list) and list(map(_is_table, tables)) == [True] * len(columns)):
            raise NpNNError(
                'MLPClassifier: class_weight must be None, "balanced" or {class: weight of at '
                f"least 0}}, for labels a list of one per label; got {given!r}"
            )
        weights = np.ones(len(y))
        for table, column in zip(tables, columns, strict=True):
            factors = compute_class_weight(table, classes=classes, y=column)
            if not factors.any():
                raise NpNNError(f"MLPClassifier: class_weight {given!r} is 0 for all classes")
            weights *= factors[np.searchsorted(classes, column)]
        return weights

    def _stratify(self, y):
        return y if self.n_outputs_ == 1 else None  # scikit-learn stratifies in this case only

    def _score(self, y, outputs, weights):
        if not np.isfinite(outputs).all():
            return np.nan
        return float(accuracy_score(y, self._decide(outputs), sample_weight=weights))

    def _decide(self, outputs):
        means = self._means(outputs)
        return self._binarizer.inverse_transform(means[:, 0] if self.n_outputs_ == 1 else means)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _is_table(weights):
    return isinstance(weights, dict) and all(map(is_amount, weights.values()))


def _same(a, b):
    return len(a) == len(b) and bool(np.all(a == b))
