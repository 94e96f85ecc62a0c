"""jax: the whole step compiled by XLA, with donated weights; one step per call, or many by scan."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from cells import Cell

from contenders import problem
from np_nn import optim
from np_nn.utils import spec

BETAS, EPS = (0.9, 0.999), 1e-8  # Adam's usual defaults
SCANNED = 16  # steps in a call by scan


class Tasks:
    """Tasks of jax. XLA's number of threads follows from the affinity of the worker process."""

    def __init__(self, threads, variant):
        jax.config.update("jax_platforms", "cpu")

    def train(self, cell):
        cell = Cell(**cell)
        return problem.fastest(lambda length: _runner(cell, length), (1, SCANNED))


def _runner(cell, length):
    """Return a runner that makes ``length`` steps per call, and the remaining ones one by one."""
    split, model = problem.start(cell)
    images, labels = jnp.asarray(problem.flat(split)), jnp.asarray(split.labels)
    arrays = [jnp.array(parameter.data) for parameter in model.parameters()]
    state = (arrays, [jnp.zeros_like(a) for a in arrays], [jnp.zeros_like(a) for a in arrays], 0)
    step = functools.partial(_step, cell.settings, images, labels, split.scale)
    many = jax.jit(lambda state, block: jax.lax.scan(step, state, block), donate_argnums=0)
    one = jax.jit(step, donate_argnums=0)

    def train(block):
        nonlocal state
        seen, whole = [], len(block) // length * length if length > 1 else 0
        for begin in range(0, whole, length):
            state, figures = many(state, block[begin : begin + length])
            seen.append(figures)
        for indices in block[whole:]:
            state, figures = one(state, indices)
            seen.append(figures)
        pairs = [np.asarray(figures).reshape(-1, 2) for figures in seen]
        totals = np.concatenate(pairs).sum(axis=0)
        return float(totals[0]) / len(block), float(totals[1]) / block.size

    return problem.drawn(train, len(split), cell.batch)


def _step(settings, images, labels, scale, state, indices):
    parameters, first, second, t = state
    x, y = images[indices].astype(jnp.float32) * scale, labels[indices]
    (loss, correct), grads = jax.value_and_grad(_loss, has_aux=True)(parameters, x, y)
    t = t + 1
    update = _adam if settings.optimizer == "adam" else _sgd
    new = [update(settings, t, *a) for a in zip(parameters, grads, first, second, strict=True)]
    state = (*map(list, zip(*new, strict=True)), t)
    return state, jnp.stack([loss, correct.astype(jnp.float32)])


def _loss(parameters, x, y):
    for W, b in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
        x = jax.nn.relu(x @ W + b)
    log_probs = jax.nn.log_softmax(x @ parameters[-2] + parameters[-1])
    correct = (log_probs.argmax(axis=1) == y).sum()
    return -jnp.take_along_axis(log_probs, y[:, None], axis=1).mean(), correct


def _sgd(settings, t, weight, grad, velocity, unused):
    momentum = spec.parse(settings.optimizer, optim.OPTIMIZERS, "optimizer")[1].get("momentum")
    if momentum:
        velocity = momentum * velocity + grad
        grad = velocity
    return weight - settings.lr * grad, velocity, unused


def _adam(settings, t, weight, grad, mean, square):
    mean = BETAS[0] * mean + (1 - BETAS[0]) * grad
    square = BETAS[1] * square + (1 - BETAS[1]) * grad**2
    size = jnp.sqrt(square / (1 - BETAS[1] ** t)) + EPS
    return weight - settings.lr / (1 - BETAS[0] ** t) * mean / size, mean, square
