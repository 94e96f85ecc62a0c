"""Solver "lbfgs": scipy's L-BFGS-B on the whole training set, in float64."""

import warnings

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from np_nn.data.split import is_matrix
from np_nn.layers.sparse import MatrixBatch
from np_nn.optim.penalty import L2
from np_nn.utils.arrays import as_float
from np_nn.utils.vectors import from_vector, to_vector


def train(model, X, targets, loss, *, alpha, max_iter, max_fun, tol, verbose):
    """Train a model in place; return (final loss, number of iterations).

    Warns with ConvergenceWarning if the solver has not converged.

    Args:
        model: Module; it is float32 afterwards.
        X: (n, I), dense or CSR.
        targets: targets of X, as the loss takes them.
        loss: Loss.
        alpha: factor of the L2 penalty alpha / n / 2 * (sum of squared weights), where n is the
            number of samples as the loss counts it.
        max_iter: maximum number of iterations.
        max_fun: maximum number of function evaluations.
        tol: largest component of the gradient at which the solver stops.
        verbose: print the number of iterations and the loss at the end.

    Source: Zhu et al. 1997, Algorithm 778.
    """
    model.to(np.float64).train()
    parameters = model.parameters()
    weights, l2 = [p.data for p in parameters], L2(alpha, parameters)
    x, n = _as_float64(X), loss.count(targets)

    def objective(packed):
        from_vector(packed, weights)
        value = loss.forward(model.forward(x), targets)
        model.backward(loss.backward(), input_grad=False)
        l2.backward(n)
        return value + alpha / n / 2 * l2.squares(), to_vector([p.grad for p in parameters])

    found = minimize(
        objective,
        to_vector(weights),
        method="L-BFGS-B",
        jac=True,
        options={"maxiter": max_iter, "maxfun": max_fun, "gtol": tol},
    )
    if found.status:
        warnings.warn(
            f"lbfgs failed to converge after {found.nit} iterations ({found.message}): scale the "
            f"data, or increase max_iter or max_fun",
            ConvergenceWarning,
            stacklevel=4,
        )
    if verbose:
        print(f"Iteration {found.nit}, loss = {found.fun:.8f}")
    from_vector(found.x, weights)
    model.to(np.float32)
    return float(found.fun), min(found.nit, max_iter)


def _as_float64(X):
    as_float(X.data if is_matrix(X) else X, np.float32, "X")  # predictions are made in float32
    if is_matrix(X):
        return MatrixBatch(X.astype(np.float64))
    return np.ascontiguousarray(X, np.float64)
