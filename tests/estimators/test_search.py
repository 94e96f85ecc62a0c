"""A search over settings gives the same scores in one process, in two, and on a cluster of two."""

from contextlib import contextmanager

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import np_nn as nn

pytestmark = [
    pytest.mark.kernel_independent,  # workers read the setting once, when they start
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


@contextmanager
def loky():
    """Use two new processes: those of earlier tests may have other kernels."""
    get_reusable_executor().shutdown(wait=True)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        yield
    get_reusable_executor().shutdown(wait=True)


@contextmanager
def dask():
    """Use a cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed", reason="needs dask[distributed]")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        yield


def search(estimator, x, y):
    """Return the scores of two settings in two folds, (2, 2), and the best setting."""
    network = estimator(max_iter=10, learning_rate_init=0.01, random_state=0)
    name = f"{estimator.__name__.lower()}__hidden_layer_sizes"
    grid = {name: [(1,), (30,)]}
    found = GridSearchCV(make_pipeline(StandardScaler(), network), grid, cv=2).fit(x, y)
    scores = [found.cv_results_[f"split{fold}_test_score"] for fold in range(2)]
    return np.transpose(scores), found.best_params_[name]


@pytest.mark.parametrize("backend", [loky, dask])
def test_a_search_in_two_processes_has_the_scores_of_one(backend):
    x, y = load_digits(return_X_y=True)
    x, y = x[:300], y[:300]
    estimators = (nn.MLPClassifier, nn.MLPRegressor)
    alone = [search(estimator, x, y) for estimator in estimators]
    with backend():
        together = [search(estimator, x, y) for estimator in estimators]
    for (scores, best), (same_scores, same_best) in zip(alone, together, strict=True):
        assert np.array_equal(same_scores, scores)
        assert same_best == best
    assert alone[0][1] == (30,)
