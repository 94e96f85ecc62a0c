"""MLPClassifier and MLPRegressor behave like scikit-learn's: its checks, its results, its tools."""

import copy
import datetime
import decimal
import inspect
import os
import pickle
import re
import signal
import subprocess
import sys
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import SGDClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import np_nn as nn
from np_nn.estimators.inputs import as_split
from np_nn.training import inputs

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

PAIRS = {
    "classifier": (nn.MLPClassifier, neural_network.MLPClassifier),
    "regressor": (nn.MLPRegressor, neural_network.MLPRegressor),
}
WEIGHTED = "sample_weight" in inspect.signature(neural_network.MLPClassifier.fit).parameters


def small_digits(n=600):
    x, y = load_digits(return_X_y=True)
    return x[:n] / 16, y[:n]


def numbers(n=300, outputs=1):
    """Return smooth functions of five numbers, not negative."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 5))
    y = np.abs(np.sin(x @ rng.normal(size=(5, outputs))) + x[:, :1])
    return x, y[:, 0] if outputs == 1 else y


def train(kind, x, y, **settings):
    """Train np_nn's and scikit-learn's estimator alike; return both."""
    settings = {"max_iter": 8, "hidden_layer_sizes": (30,), "random_state": 0} | settings
    return [estimator(**settings).fit(x, y) for estimator in PAIRS[kind]]


def check_alike(ours, theirs, x, tolerance=2e-5):
    """Assert that all results of training agree, except for rounding in float32."""
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=tolerance)
    for name in ("loss_", "best_loss_", "best_validation_score_"):
        want = getattr(theirs, name)
        assert getattr(ours, name) == (want and pytest.approx(want, rel=tolerance))
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(a, b, atol=2e-4)
    predicted = ours.predict(x)
    assert predicted.shape == theirs.predict(x).shape
    if hasattr(ours, "classes_"):
        assert np.array_equal(ours.classes_, theirs.classes_)
        assert np.mean(predicted == theirs.predict(x)) > 0.99
        np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-3)
    else:
        np.testing.assert_allclose(predicted, theirs.predict(x), rtol=1e-3, atol=1e-3)


# ---- scikit-learn's own checks --------------------------------------------------------------


def rounding(estimator):
    """Return the checks that float32 cannot pass: {name: reason}."""
    why = "np_nn trains in float32: equal to 1e-6, and the check wants 1e-7"
    return {
        "check_sample_weight_equivalence_on_dense_data": why,
        "check_sample_weight_equivalence_on_sparse_data": why,
    }


@pytest.mark.kernel_independent
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [nn.MLPClassifier(max_iter=100), nn.MLPRegressor(max_iter=100)],
    expected_failed_checks=rounding,
)
def test_estimator_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", PAIRS)
def test_every_parameter_is_there_with_the_same_default(kind):
    ours, theirs = (estimator().get_params() for estimator in PAIRS[kind])
    assert theirs.items() <= ours.items()
    more = {"dropout", "callbacks"} | ({"class_weight"} if kind == "classifier" else set())
    assert ours.keys() - theirs.keys() == more
    positional = [
        [p.name for p in inspect.signature(e).parameters.values() if p.kind == p.KEYWORD_ONLY]
        for e in PAIRS[kind]
    ]
    assert set(positional[1]) <= set(positional[0])


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
def test_every_attribute_is_there(kind, settings):
    x, y = small_digits(200)
    ours, theirs = train(kind, x, y, max_iter=2, **settings)
    public = {name for name in vars(theirs) if name.endswith("_") and name[0] != "_"}
    assert public <= vars(ours).keys()


# ---- The same numbers -----------------------------------------------------------------------

SETTINGS = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "no nesterov": {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
    "no momentum": {"solver": "sgd", "learning_rate_init": 0.2, "momentum": 0},
    "alpha": {"alpha": 2.0, "batch_size": 64},
    "alpha, sgd": {"alpha": 2.0, "solver": "sgd", "learning_rate_init": 0.05},
    "two layers": {"hidden_layer_sizes": (20, 15), "activation": "tanh"},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "identity": {"activation": "identity"},
    "in order": {"shuffle": False, "batch_size": 37},
    "betas": {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3},
    "invscaling": {
        "solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.5, "power_t": 0.3,
    },
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.2, "tol": 0.05,
        "n_iter_no_change": 1, "activation": "logistic", "max_iter": 25,
    },
    "early stopping": {"early_stopping": True, "max_iter": 20, "n_iter_no_change": 2, "tol": 0.02},
    "stops by itself": {"max_iter": 60, "tol": 0.05, "n_iter_no_change": 3},
}  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_classifier_trains_as_scikit_learns(settings):
    x, y = small_digits()
    ours, theirs = train("classifier", x, y, **settings)
    # between two compiled calls the penalty is interpolated linearly
    check_alike(ours, theirs, x, 5e-4 if "alpha" in settings else 2e-5)
    assert ours.validation_scores_ == theirs.validation_scores_


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_regressor_trains_as_scikit_learns(settings):
    x, y = numbers()
    settings = settings | {"learning_rate_init": 0.1 * settings.get("learning_rate_init", 0.01)}
    ours, theirs = train("regressor", x, y, **settings)
    check_alike(ours, theirs, x, 1e-4)
    if settings.get("early_stopping"):
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, atol=1e-4)


@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"solver": "sgd"}], ids=str)
def test_two_classes_and_labels_train_as_scikit_learns(settings):
    x, y = small_digits()
    check_alike(*train("classifier", x, y > 4, **settings), x)
    x, y = make_multilabel_classification(200, random_state=0)
    ours, theirs = train("classifier", x, y, **settings)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-3)
    assert np.mean(ours.predict(x) == theirs.predict(x)) > 0.99
    assert ours.predict(scipy.sparse.csr_array(x)).tolist() == ours.predict(x).tolist()


def test_several_targets_follow_the_same_gradient():
    x, y = numbers(outputs=3)
    ours, theirs = train("regressor", x, y)
    for a, b in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert ours.predict(x).shape == (300, 3)


@pytest.mark.skipif(
    "loss" not in inspect.signature(neural_network.MLPRegressor).parameters, reason="before 1.7"
)
def test_poisson():
    x, y = numbers()
    check_alike(*train("regressor", x, np.round(y), loss="poisson"), x, 1e-4)
    with pytest.raises(nn.NpNNError, match="at least 0"):
        nn.MLPRegressor(loss="poisson").fit(x, y - 5)


@pytest.mark.parametrize("matrix", [np.asarray, scipy.sparse.csr_array])
def test_lbfgs_reaches_what_scikit_learns_does(matrix):
    x, y = small_digits(300)
    ours, theirs = train("classifier", matrix(x), y, solver="lbfgs", max_iter=200)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.02)
    assert ours.score(x, y) == theirs.score(x, y) == 1
    x, y = numbers(200)
    ours, theirs = train("regressor", matrix(x), y, solver="lbfgs", max_iter=20)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=0.05)
    assert ours.coefs_[0].dtype == np.float32


@pytest.mark.skipif(not WEIGHTED, reason="scikit-learn has had them since 1.7")
@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"alpha": 1}], ids=str)
def test_sample_weights_count_as_scikit_learns(kind, settings):
    x, y = small_digits(400) if kind == "classifier" else numbers()
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y))
    settings = {"max_iter": 5, "hidden_layer_sizes": (20,), "random_state": 0, **settings}
    ours, theirs = (e(**settings).fit(x, y, sample_weight=weights) for e in PAIRS[kind])
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=2e-4)


def test_partial_fit_goes_on_as_scikit_learns_does():
    x, y = small_digits(400)
    ours, theirs = (e((20,), random_state=0) for e in PAIRS["classifier"])
    for start in (0, 200, 100):
        part = slice(start, start + 200)
        for estimator in (ours, theirs):
            estimator.partial_fit(x[part], y[part], classes=np.arange(10))
    check_alike(ours, theirs, x)


def test_partial_fit_keeps_the_rate_that_adaptive_came_to():
    x, y = small_digits(200)
    settings = {
        "hidden_layer_sizes": (20,), "solver": "sgd", "learning_rate": "adaptive", "tol": 1.0,
        "learning_rate_init": 0.2, "n_iter_no_change": 1, "random_state": 0,
    }  # fmt: skip
    ours, theirs = (e(**settings) for e in PAIRS["classifier"])
    for _ in range(7):
        for estimator in (ours, theirs):
            estimator.partial_fit(x, y, classes=np.arange(10))
    check_alike(ours, theirs, x)
    assert ours._optimizer_state["lr"] == pytest.approx(theirs._optimizer.learning_rate)
    assert ours._optimizer_state["lr"] < 0.05


def test_a_callback_sets_an_estimators_rate():
    class Still(nn.Callback):
        def on_epoch_end(self, training):
            training.optimizer.lr = 0.0

    x, y = small_digits(200)
    one = nn.MLPClassifier((20,), max_iter=1, random_state=0).fit(x, y)
    many = nn.MLPClassifier((20,), max_iter=5, random_state=0, callbacks=[Still()]).fit(x, y)
    assert np.array_equal(one.coefs_[0], many.coefs_[0])


def test_warm_start_goes_on_as_scikit_learns_does():
    x, y = small_digits(300)
    ours, theirs = train("classifier", x, y, warm_start=True, max_iter=3)
    check_alike(ours.fit(x, y), theirs.fit(x, y), x)
    assert len(ours.loss_curve_) == 6
    with pytest.raises(nn.NpNNError, match="warm_start needs the classes"):
        ours.fit(x[y < 5], y[y < 5])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"solver": "adam"}, {"solver": "sgd"}),
        ({"solver": "sgd"}, {"solver": "adam"}),
        ({"solver": "sgd", "momentum": 0.9}, {"momentum": 0.0}),
        ({"solver": "lbfgs"}, {"solver": "adam"}),
        ({"early_stopping": True}, {"early_stopping": False}),
        ({"early_stopping": False}, {"early_stopping": True}),
    ],
    ids=str,
)
def test_a_parameter_may_change_between_calls_of_fit(before, after):
    x, y = small_digits(200)
    model = nn.MLPClassifier(max_iter=3, warm_start=True, random_state=0, **before).fit(x, y)
    loss = model.loss_
    model.set_params(**after).fit(x, y)
    assert model.loss_ < loss
    assert (model.validation_scores_ is not None) == model.early_stopping


# ---- Input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1 / 255, 1.0, 0.3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_pixels_as_floats_reach_the_compressed_kernels(digits, scale, dtype, kernels):
    images = digits.train.images.reshape(1500, 784)
    images = np.where(images > 100, images, 0)  # as black as MNIST
    split = as_split(images.astype(dtype) * dtype(scale), digits.train.labels)
    assert np.array_equal(split.images, images)
    assert split.scale == pytest.approx(scale)
    chosen = inputs.choose(split, nn.mlp((784, 10)))
    assert isinstance(chosen, inputs.SparseFeed) == (kernels == "compiled")


def sparse_cases():
    rng = np.random.default_rng(0)
    counts = rng.poisson(0.2, (80, 300)).astype(float)
    return {
        "counts": counts,
        "numbers": counts * rng.normal(size=counts.shape),
        "wider than the kernels number": np.hstack([counts, np.zeros((80, 70_000))]),
    }


@pytest.mark.parametrize("case", sparse_cases())
@pytest.mark.parametrize("form", ["csr_array", "csr_matrix", "csc_array", "coo_array"])
def test_sparse_is_dense_and_is_never_made_so(case, form, monkeypatch):
    dense, y = sparse_cases()[case], np.arange(80) % 3
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    want = nn.MLPClassifier(**settings).fit(dense, y)
    x = getattr(scipy.sparse, form)(dense)
    if form != "coo_array":
        for name in ("toarray", "todense"):
            monkeypatch.setattr(type(x), name, None)
    got = nn.MLPClassifier(**settings).fit(x, y)
    np.testing.assert_allclose(got.loss_curve_, want.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(got.predict_proba(x), want.predict_proba(dense), atol=1e-4)


def test_a_matrix_that_names_a_place_twice_adds_up_and_stays_as_it_is():
    x = scipy.sparse.csr_array(([1.0, 2, 1, 5], [1, 1, 0, 2], [0, 2, 4]), shape=(2, 3))
    model = nn.MLPRegressor(hidden_layer_sizes=(2,), max_iter=1, random_state=0).fit(x, [0, 1])
    assert x.nnz == 4
    np.testing.assert_allclose(model.predict(x), model.predict(x.toarray()), rtol=1e-5)


def test_labels_may_be_words():
    x, y = small_digits(300)
    words = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight",
                      "nine"])[y]  # fmt: skip
    model = nn.MLPClassifier(max_iter=60, early_stopping=True, random_state=0).fit(x, words)
    assert list(model.classes_) == sorted(set(words))
    assert np.mean(model.predict(x) == words) > 0.9
    assert np.array_equal(model.classes_[model.predict_proba(x).argmax(axis=1)], model.predict(x))


@pytest.mark.parametrize("classes", [2, 10])
def test_logarithms_of_probabilities(classes):
    x, y = small_digits(200)
    model = nn.MLPClassifier(max_iter=5, random_state=0).fit(x, y % classes)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(x)), model.predict_proba(x), 1e-3)
    assert np.isfinite(model.predict_log_proba(1e4 * x)).all()


DATES = np.arange(100).astype("M8[D]")
NOT_NUMBERS = {
    "dates": DATES,
    "durations": DATES - DATES[0],
    "words": np.array(["a", "b"] * 50),
    "digits as text": np.array(["1.5", "2"] * 50),
    "objects that are text": np.array(["1.5", "2"] * 50, object),
    "objects that are dates": np.array([datetime.date(2020, 1, 1)] * 100, object),
    "a column of each": np.array([[1.0, "2"]] * 100, object),
    "records": np.zeros(100, [("a", float)]),
}


@pytest.mark.parametrize("y", NOT_NUMBERS.values(), ids=NOT_NUMBERS)
def test_targets_of_a_regressor_and_weights_are_numbers(y):
    x, _ = small_digits(100)
    with pytest.raises(nn.NpNNError, match=r"^y must be numbers, got "):
        nn.MLPRegressor().fit(x, y)
    with pytest.raises(nn.NpNNError, match=r"^sample_weight must be numbers, got "):
        nn.MLPRegressor().fit(x, np.arange(100), sample_weight=y)


def test_dates_as_x():
    model = nn.MLPRegressor(max_iter=1).fit(np.eye(100), np.arange(100))
    for call in (model.predict, lambda x: nn.MLPRegressor().fit(x, np.arange(100))):
        with pytest.raises(nn.NpNNError, match=r"^X must be numbers, got datetime64"):
            call(np.stack([DATES] * 100, axis=1))


def test_objects_that_are_numbers_are_targets():
    x, y = numbers(100)
    models = [
        nn.MLPRegressor(max_iter=2, random_state=0).fit(x, targets)
        for targets in (y, y.astype(object), [decimal.Decimal(value) for value in y])
    ]
    assert models[0].loss_curve_ == models[1].loss_curve_ == models[2].loss_curve_
    with pytest.raises(ValueError, match="y contains NaN"):
        nn.MLPRegressor().fit(x, [None] * 100)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_numbers_beyond_float32_are_named(solver):
    x, y = numbers(100)
    model = nn.MLPRegressor(max_iter=2, solver=solver).fit(x, y)
    large, two_levels = np.where(np.arange(500).reshape(100, 5) == 7, -1e39, x), (x > 0) * 1e39
    for bad in (large, two_levels, scipy.sparse.csr_array(large)):
        for call in (model.predict, lambda x: clone(model).fit(x, y)):
            with pytest.raises(nn.NpNNError, match=r"^X: float32 cannot hold -?1e\+39$"):
                call(bad)
    with pytest.raises(nn.NpNNError, match=r"^y: float32 cannot hold 1e\+39$"):
        clone(model).fit(x, y * 0 + 1e39)
    with pytest.raises(nn.NpNNError, match=r"^the sample weights: float32 cannot hold 1e\+39$"):
        clone(model).fit(x, y, sample_weight=y * 0 + 1e39)


# ---- Weights --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PAIRS)
def test_a_weight_is_a_repetition_and_0_is_none(kind):
    x, y = small_digits(60) if kind == "classifier" else numbers(60)
    times = np.arange(60) % 4
    settings = {"hidden_layer_sizes": (9,), "max_iter": 20, "batch_size": 10**4, "alpha": 0.5}
    make = PAIRS[kind][0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a = make(**settings, random_state=0).fit(x, y, sample_weight=times)
        b = make(**settings, random_state=0).fit(x.repeat(times, axis=0), y.repeat(times))
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(a.coefs_[0], b.coefs_[0], atol=1e-4)


def test_class_weights_multiply_sample_weights():
    x, y = small_digits(300)
    y = np.where(y == 0, "rare", np.where(y == 1, "odd", "usual"))
    given = np.random.default_rng(0).uniform(0.5, 1.5, 300)
    factors = {"rare": 5.0, "odd": 0.5, "usual": 1.0}
    settings = {"max_iter": 4, "random_state": 0}
    a = nn.MLPClassifier(**settings, class_weight=factors).fit(x, y, sample_weight=given)
    weights = given * np.array([factors[word] for word in y])
    b = nn.MLPClassifier(**settings).fit(x, y, sample_weight=weights)
    assert a.loss_curve_ == b.loss_curve_
    balanced = nn.MLPClassifier(**settings, class_weight="balanced").fit(x, y)
    plain = nn.MLPClassifier(**settings).fit(x, y)
    assert np.sum(balanced.predict(x) == "rare") > np.sum(plain.predict(x) == "rare")


def test_class_weights_of_a_batch_that_lacks_a_class():
    x, y = small_digits(300)
    y = y % 3
    table, classes = {0: 1.0, 1: 2.0, 2: 5.0}, [0, 1, 2]
    settings = {"hidden_layer_sizes": (9,), "random_state": 0}
    weighted = nn.MLPClassifier(**settings, class_weight=table)
    plain = nn.MLPClassifier(**settings)
    theirs = SGDClassifier(class_weight=table)
    for some in (y == 2, y != 2, y != 1):
        weighted.partial_fit(x[some], y[some], classes=classes)
        theirs.partial_fit(x[some], y[some], classes=classes)
        weights = np.array([table[label] for label in y[some]])
        plain.partial_fit(x[some], y[some], classes=classes, sample_weight=weights)
    assert weighted.loss_curve_ == plain.loss_curve_
    for bad in ({7: 2.0}, {0: 1.0, 7: 2.0}):  # as SGDClassifier's
        for estimator in (nn.MLPClassifier, SGDClassifier):
            with pytest.raises(ValueError, match="are not in class_weight"):
                estimator(class_weight=bad).partial_fit(x, y, classes=classes)


def test_a_batch_whose_classes_all_weigh_0_changes_nothing():
    x, y = small_digits(100)
    model = nn.MLPClassifier(class_weight={0: 0}).partial_fit(x, y, classes=range(10))
    before = model.coefs_[0].copy()
    model.partial_fit(x[y == 0], y[y == 0])
    assert np.array_equal(model.coefs_[0], before)


def test_class_weights_of_labels():
    x, y = make_multilabel_classification(100, n_classes=3, random_state=0)
    settings = {"max_iter": 3, "random_state": 0}
    tables = [{1: 2.0}, {0: 3.0}, {0: 1.0, 1: 0.5}]
    a = nn.MLPClassifier(**settings, class_weight=tables).fit(x, y)
    weights = (1 + y[:, 0]) * (3 - 2 * y[:, 1]) * (1 - y[:, 2] / 2)
    assert a.loss_curve_ == nn.MLPClassifier(**settings).fit(x, y, weights).loss_curve_
    once = nn.MLPClassifier(class_weight=tables).partial_fit(x, y * [0, 1, 1], classes=range(3))
    assert once.n_iter_ == 1
    for bad in ({1: 2.0}, tables[:2], [{0: -1}] * 3, 2.0):
        with pytest.raises(nn.NpNNError, match="for labels a list of one per label; got"):
            nn.MLPClassifier(class_weight=bad).fit(x, y)


@pytest.mark.parametrize("weights", [np.zeros(100), -np.ones(100), np.full(100, 1e-50)])
def test_impossible_weights(weights):
    with pytest.raises(ValueError, match=r"negative|non-zero|in float32"):
        nn.MLPClassifier().fit(*small_digits(100), sample_weight=weights)


@pytest.mark.parametrize("weight", [-1, np.nan, np.inf, "a", None, 10**400])
def test_impossible_class_weights(weight):
    with pytest.raises(nn.NpNNError, match=r"class_weight must be None, .*at least 0}.*; got {0"):
        nn.MLPClassifier(class_weight={0: weight}).fit(*small_digits(100))


def test_class_weights_that_leave_no_sample():
    x, y = small_digits(100)
    with pytest.raises(nn.NpNNError, match=r"class_weight {.*} is 0 for all classes"):
        nn.MLPClassifier(class_weight=dict.fromkeys(range(10), 0)).fit(x, y)
    with pytest.raises(nn.NpNNError, match="0 for all samples"):
        nn.MLPClassifier(class_weight={0: 0}).fit(x, y, sample_weight=1.0 * (y == 0))


# ---- What scikit-learn's has not ------------------------------------------------------------


def test_callbacks_see_the_training_and_can_stop_it():
    class Stop(nn.Callback):
        epochs = 0

        def on_epoch_end(self, training):
            assert isinstance(training.history, nn.History)
            Stop.epochs += 1
            training.stop = training.epoch == 3

    x, y = small_digits(200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no ConvergenceWarning: a callback stopped it
        model = nn.MLPClassifier(callbacks=iter([Stop()]), random_state=0).fit(x, y)
    assert Stop.epochs == model.n_iter_ == len(model.loss_curve_) == 3


def test_dropout_is_for_training_only():
    x, y = small_digits(300)
    settings = {"max_iter": 20, "learning_rate_init": 0.01, "random_state": 0}
    plain = nn.MLPClassifier(**settings).fit(x, y)
    noisy = nn.MLPClassifier(**settings, dropout=0.5).fit(x, y)
    again = nn.MLPClassifier(**settings, dropout=0.5).fit(x, y)
    assert noisy.loss_ > plain.loss_
    assert noisy.loss_curve_ == again.loss_curve_
    assert np.array_equal(noisy.predict_proba(x), noisy.predict_proba(x))
    assert noisy.score(x, y) > 0.9


@pytest.mark.parametrize("kind", PAIRS)
def test_the_held_out_loss_is_kept(kind):
    x, y = small_digits() if kind == "classifier" else numbers()
    model = PAIRS[kind][0](early_stopping=True, max_iter=6, random_state=0).fit(x, y)
    curve = model.validation_loss_curve_
    assert len(curve) == len(model.validation_scores_) == model.n_iter_
    assert curve[-1] < curve[0]
    assert PAIRS[kind][0](max_iter=1).fit(x, y).validation_loss_curve_ is None


def test_early_stopping_returns_to_the_best_weights():
    x, y = small_digits()
    rates = {"solver": "sgd", "learning_rate_init": 0.5, "momentum": 0.95, "random_state": 3}
    model = nn.MLPClassifier(early_stopping=True, max_iter=30, **rates).fit(x, y)
    scores = model.validation_scores_
    assert model.best_validation_score_ == max(scores)
    again = nn.MLPClassifier(early_stopping=True, max_iter=1 + int(np.argmax(scores)), **rates)
    assert np.array_equal(again.fit(x, y).coefs_[0], model.coefs_[0])


# ---- With tools of scikit-learn ---------------------------------------------------------------


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_a_copy_predicts_and_goes_on_alike(copied):
    x, y = small_digits(300)
    model = nn.MLPClassifier(max_iter=3, random_state=0).fit(x, y)
    twin = copied(model)
    assert np.array_equal(twin.predict_proba(x), model.predict_proba(x))
    twin.partial_fit(x, y)
    assert not np.array_equal(twin.coefs_[0], model.coefs_[0])
    model.partial_fit(x, y)
    assert np.array_equal(twin.coefs_[0], model.coefs_[0])
    assert not hasattr(clone(model), "coefs_")


def test_a_pickle_holds_the_weights_and_moments_and_little_else():
    x, y = small_digits(300)
    model = nn.MLPClassifier((200,), max_iter=3).fit(x, y)
    weights = sum(array.nbytes for array in model.coefs_ + model.intercepts_)
    assert len(pickle.dumps(model)) < 3.2 * weights  # Adam has two moments per weight


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", [nn.MLPClassifier, nn.MLPRegressor])
def test_a_pickle_names_no_module_that_may_move(kind, solver):
    """A pickle contains only public names of np_nn, so that it loads after modules are moved."""
    x = np.random.default_rng(0).random((40, 5))
    model = kind(hidden_layer_sizes=(4,), solver=solver, max_iter=2, random_state=0).fit(
        x, (x[:, 0] > 0.5).astype(int)
    )
    names = set(re.findall(rb"np_nn[\w.]*", pickle.dumps(model)))
    assert names == {kind.__module__.encode()}
    assert kind.__module__ in ("np_nn.estimators.classifier", "np_nn.estimators.regressor")


def test_weights_may_be_set_by_hand():
    x, y = small_digits(100)
    model = nn.MLPClassifier(max_iter=2).fit(x, y)
    model.coefs_ = [np.zeros(array.shape) for array in model.coefs_]
    model.intercepts_[-1][:] = np.arange(10)
    assert (model.predict(x) == 9).all()


@pytest.mark.kernel_independent
def test_workers_of_joblib_keep_to_their_share_of_the_cores():
    code = "import np_nn.ops as ops, np_nn.utils.machine as m; print(ops.threads, m.cores())"
    for given, want in (("1", 1), ("999", None), ("", None), ("junk", None)):
        environment = {**os.environ, "OMP_NUM_THREADS": given}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        threads, cores = map(int, done.stdout.split())
        assert threads == (want or cores)


def test_threads_predict_with_one_model():
    from concurrent.futures import ThreadPoolExecutor

    x, y = small_digits()
    model = nn.MLPClassifier(max_iter=3, random_state=0).fit(x, y)
    want = model.predict_proba(x)
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(model.predict_proba, [x] * 20):
            assert np.array_equal(got, want)


@pytest.mark.kernel_independent
def test_scikit_learn_is_imported_when_it_is_needed():
    code = "import sys, np_nn; print('sklearn' in sys.modules); np_nn.MLPClassifier"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("False\n", 0)
    code = "import sys; sys.modules['sklearn'] = None; import np_nn; np_nn.MLPRegressor"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("ImportError: np_nn.MLPClassifier and MLPRegr")
    assert "pip install" in done.stderr.splitlines()[-1]
    with pytest.raises(AttributeError, match="no attribute 'MLPClasifier'"):
        nn.MLPClasifier  # noqa: B018


# ---- Messages -------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_it_says_when_it_has_not_converged(solver):
    with pytest.warns(ConvergenceWarning):
        nn.MLPClassifier(max_iter=2, solver=solver).fit(*small_digits(100))


def test_it_says_what_it_does_as_scikit_learns(capsys):
    x, y = small_digits(200)
    settings = {
        "verbose": True, "early_stopping": True, "max_iter": 12, "n_iter_no_change": 1,
        "solver": "sgd", "learning_rate": "adaptive",
    }  # fmt: skip
    said = []
    for estimator in PAIRS["classifier"]:
        estimator(random_state=0, **settings).fit(x, y)
        said.append(capsys.readouterr().out.replace("Setting learning", "Setting learning"))
    ours, theirs = ([line[:-3] for line in text.splitlines()] for text in said)
    assert ours == theirs


def test_ctrl_c_keeps_what_was_reached():
    class Interrupt(nn.Callback):
        def on_epoch_end(self, training):
            if training.epoch == 2:
                signal.raise_signal(signal.SIGINT)

    x, y = small_digits(200)
    with pytest.warns(UserWarning, match="interrupted by user"):
        model = nn.MLPClassifier(callbacks=[Interrupt()]).fit(x, y)
    assert model.n_iter_ == 2
    assert model.predict(x).shape == (200,)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_layer_sizes": (10, 0)}, r"hidden_layer_sizes must be > 0"),
        ({"hidden_layer_sizes": 2.5}, r"hidden_layer_sizes must be > 0"),
        ({"activation": "gelu"}, "activation must be one of identity, logistic, tanh, relu, got"),
        ({"solver": "rmsprop"}, "solver must be one of"),
        ({"alpha": -1}, "alpha must be a finite number of at least 0, got -1"),
        ({"alpha": np.nan}, "alpha must be"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1, or 'auto', got 0"),
        ({"learning_rate": "cosine"}, "learning_rate must be one of"),
        ({"learning_rate_init": 0}, "learning_rate_init must be a finite number above 0"),
        ({"max_iter": 1.5}, "max_iter must be a whole number"),
        ({"max_iter": True}, "max_iter must be a whole number"),
        ({"momentum": 1.1}, "momentum must be a number of at least 0 and at most 1, got 1.1"),
        ({"beta_1": 1}, "beta_1 must be a number of at least 0 and below 1"),
        ({"validation_fraction": 1}, "validation_fraction must be"),
        ({"shuffle": "yes"}, "shuffle must be True or False"),
        ({"n_iter_no_change": 0}, "n_iter_no_change must be a whole number of at least 1, or inf"),
        ({"tol": np.inf}, "tol must be a finite number of at least 0, got inf"),
        ({"epsilon": np.inf}, "MLPClassifier: epsilon must be a finite number above 0"),
        ({"batch_size": np.ones(2)}, "batch_size must be a whole number"),
        ({"hidden_layer_sizes": np.array(4)}, "hidden_layer_sizes must be > 0"),
        ({"max_iter": 10**20}, r"max_iter must be .* at most 1e\+09, got 1000"),
        ({"verbose": "no"}, "verbose must be True, False or a whole number"),
        ({"dropout": 1}, "dropout must be"),
        ({"dropout": 0.5, "solver": "lbfgs"}, "dropout and callbacks need solver sgd or adam"),
        ({"callbacks": ["x"], "solver": "lbfgs"}, "need solver sgd or adam, got lbfgs"),
        ({"callbacks": ["x"]}, "callbacks must be Callback objects"),
        ({"callbacks": 3}, "callbacks must be a list of Callback objects, or None"),
        ({"early_stopping": True, "validation_fraction": 0.01}, "validation set is too small"),
        ({"random_state": "x"}, "random"),
        ({"class_weight": "fair"}, "class_weight"),
        ({"learning_rate_init": 1e30, "solver": "sgd"}, "non-finite parameter weights.*Scale"),
    ],
    ids=str,
)
def test_bad_parameters(settings, message):
    with pytest.raises(ValueError, match=message):
        nn.MLPClassifier(**settings).fit(*small_digits(100))


def test_parameters_may_be_numpys():
    settings = {"alpha": np.float32(0.1), "max_iter": np.int64(2), "verbose": np.bool_(False)}
    assert nn.MLPClassifier(**settings).fit(*small_digits(100)).n_iter_ == 2


def test_the_classes_of_partial_fit():
    x, y = small_digits(100)
    model = nn.MLPClassifier()
    for classes in (range(9), ["a", "b"]):
        with pytest.raises(nn.NpNNError, match=r"y has classes \[0 1 .*; all must be among"):
            model.partial_fit(x, y, classes=classes)
    with pytest.raises(nn.NpNNError, match="classes must be passed on the first call"):
        model.partial_fit(x, y)  # the calls that failed were no first one


def test_bad_use():
    x, y = small_digits(100)
    with pytest.raises(NotFittedError):
        nn.MLPClassifier().predict(x)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        nn.MLPClassifier().partial_fit(x, y)
    model = nn.MLPClassifier().partial_fit(x, y, classes=range(10))
    with pytest.raises(ValueError, match="differs from the first call's"):
        model.partial_fit(x, y, classes=range(11))
    with pytest.raises(ValueError, match="must be among"):
        model.partial_fit(x, y + 5)
    with pytest.raises(ValueError, match="early_stopping"):
        nn.MLPClassifier(early_stopping=True).partial_fit(x, y, classes=range(10))
    with pytest.raises(ValueError, match='does not take class_weight="balanced"'):
        nn.MLPClassifier(class_weight="balanced").partial_fit(x, y, classes=range(10))
    assert not hasattr(nn.MLPRegressor(solver="lbfgs"), "partial_fit")
    with pytest.warns(UserWarning, match="larger than the 100 samples"):
        nn.MLPClassifier(batch_size=101, max_iter=1).fit(x, y)
    regressor = nn.MLPRegressor(max_iter=1, warm_start=True).fit(x, np.stack([y, y], axis=1))
    with pytest.raises(ValueError, match="1 outputs, but 2 were learnt"):
        regressor.fit(x, y)
