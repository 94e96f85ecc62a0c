# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A network from scratch
#
# Forward pass, backward pass and update of a two-layer network, in some twenty lines of NumPy.
# They are compared with np_nn's layers number by number, and learn two moons and MNIST. Then the
# library takes over: `fit`, `evaluate`, the compiled kernels, sparse pixels.

# %%
import os

import numpy as np
from sklearn.datasets import make_moons

import np_nn as nn
from np_nn import ops, plots
from np_nn.data.batches import Batches
from np_nn.plots.inline import canvas, show
from np_nn.plots.plane import landscape

QUICK = os.environ.get("NP_NN_QUICK") == "1"  # small data and few steps: does it run?
BLUE, ORANGE = plots.COLOURS["numpy"], plots.COLOURS["torch"]

# %% [markdown]
# ## Forward and backward
#
# The network has one hidden layer, for a batch $X$ of $N$ samples with $I$ numbers each. $Y$ has
# a 1 in each row, at the right class. Read the left column down, and the right one up:
#
# | forward | shape | backward |
# | :-- | :-- | :-- |
# | $H = X W_1 + b_1$ | $(N, O)$ | $dW_1 = X^T dH$, $\; db_1 = \sum_n dH_n$ |
# | $A = \max(H, 0)$ | $(N, O)$ | $dH = dA \cdot (A > 0)$ |
# | $Z = A W_2 + b_2$ | $(N, C)$ | $dW_2 = A^T dZ$, $\; db_2 = \sum_n dZ_n$, $\; dA = dZ \, W_2^T$ |
# | $P = \text{softmax}(Z)$ | $(N, C)$ | $dZ = (P - Y) / N$ |
# | $L = -\frac{1}{N} \sum_n \log P_{n, t_n}$ | a number | |
#
# Here $dW_1$ is short for $\partial L / \partial W_1$, and so on. Each gradient has the shape of
# its array, which almost determines which product it must be.


# %%
def forward(X, weights):
    """Return the hidden units (N, O) and the logits (N, C)."""
    W1, b1, W2, b2 = weights
    A = np.maximum(X @ W1 + b1, 0)
    return A, A @ W2 + b2


def cross_entropy(Z, labels):
    """Return the loss, and its gradient with respect to the logits (N, C)."""
    Z = Z - Z.max(axis=1, keepdims=True)  # avoids overflow and leaves p unchanged
    log_p = Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    dZ = np.exp(log_p)
    dZ[rows, labels] -= 1
    return -log_p[rows, labels].mean(), dZ / len(labels)


def backward(X, A, dZ, weights):
    """Return the gradients of W1, b1, W2, b2."""
    _, _, W2, _ = weights
    dW2, db2 = A.T @ dZ, dZ.sum(axis=0)
    dH = (dZ @ W2.T) * (A > 0)
    dW1, db1 = X.T @ dH, dH.sum(axis=0)
    return dW1, db1, dW2, db2


def train_step(X, labels, weights, lr):
    """Take one step downhill, in place; return the loss before it."""
    A, Z = forward(X, weights)
    loss, dZ = cross_entropy(Z, labels)
    for weight, gradient in zip(weights, backward(X, A, dZ, weights)):
        weight -= lr * gradient
    return loss


def start(inputs, hidden, classes, seed=0):
    """Return random weights of standard deviation sqrt(2 / inputs), for ReLU, and biases 0."""
    rng = np.random.default_rng(seed)
    W1 = rng.normal(0, np.sqrt(2 / inputs), (inputs, hidden))
    W2 = rng.normal(0, np.sqrt(2 / hidden), (hidden, classes))
    return [W1, np.zeros(hidden), W2, np.zeros(classes)]


# %% [markdown]
# ## XOR, and the same numbers from np_nn
#
# Two inputs, four samples, and no straight line that separates the classes.

# %%
corners = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
xor = np.array([0, 1, 1, 0])
weights = start(2, 8, 2)
losses = [train_step(corners, xor, weights, lr=0.5) for _ in range(200)]
_, Z = forward(corners, weights)
print(f"loss {losses[0]:.3f} at first, {losses[-1]:.3f} at last")
print(f"answers {Z.argmax(axis=1)}")
assert (Z.argmax(axis=1) == xor).all()

# %% [markdown]
# np_nn's layers have their own `forward` and `backward`. With the same weights they must give the
# same numbers. `state_dict` holds each weight as $(O, I)$, as PyTorch does.


# %%
def as_model(weights, activation="relu"):
    """Return the same network made of np_nn's layers, in float64."""
    W1, b1, W2, b2 = weights
    model = nn.mlp((len(W1), len(W2), len(b2)), activation).to(np.float64)
    model.load_state_dict({"0.weight": W1.T, "0.bias": b1, "2.weight": W2.T, "2.bias": b2})
    return model


weights = start(2, 8, 2)
A, Z = forward(corners, weights)
loss, dZ = cross_entropy(Z, xor)
gradients = backward(corners, A, dZ, weights)

model, criterion = as_model(weights), nn.CrossEntropyLoss()
print(f"loss: by hand {loss:.15f}, np_nn {criterion(model(corners), xor):.15f}")
model.backward(criterion.backward())
for (name, parameter), gradient in zip(model.named_parameters().items(), gradients):
    error = np.abs(parameter.grad - gradient).max()
    print(
        f"{name:9} {parameter.shape!s:8} largest difference of the gradients {error:.0e}"
    )
    assert error < 1e-12

# %% [markdown]
# ### Exercise 1: a different activation
#
# Replace ReLU by $a = \tanh h$. Its derivative is $1 - a^2$, so only two lines change. Show that
# your gradients are those of `as_model(weights, "tanh")`.

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
W1, b1, W2, b2 = weights
A = np.tanh(corners @ W1 + b1)
_, dZ = cross_entropy(A @ W2 + b2, xor)
dH = (dZ @ W2.T) * (1 - A**2)
by_hand = corners.T @ dH, dH.sum(axis=0), A.T @ dZ, dZ.sum(axis=0)

model = as_model(weights, "tanh")
criterion(model(corners), xor)
model.backward(criterion.backward())
for parameter, gradient in zip(model.parameters(), by_hand):
    assert np.allclose(parameter.grad, gradient, rtol=1e-12)
print("all four gradients agree")

# %% [markdown]
# ## Two moons, and the growth of the decision boundary
#
# Points in the plane show the effect of training: after each step the network gives a probability
# at every place, and the decision boundary is where it is one half.

# %%
moons, moon_labels = make_moons(400, noise=0.2, random_state=0)
FILM = (0, 10, 100, 400 if QUICK else 2000)  # steps at which the boundary is drawn


def probability(points, weights):
    """Return the probability (M,) of class 1 at points (M, 2)."""
    _, Z = forward(points, weights)
    return nn.Softmax()(Z)[:, 1]


def moment(step, weights):
    """Return the step, the accuracy, and the probabilities around the points, as a Moment."""
    right = (probability(moons, weights) > 0.5) == moon_labels
    around = landscape(lambda points: probability(points, weights), moons)
    return plots.Moment(step, right.mean(), around)


weights, moments = start(2, 16, 2, seed=1), []
for step in range(FILM[-1] + 1):
    if step in FILM:
        moments.append(moment(step, weights))
    train_step(moons, moon_labels, weights, lr=0.5)

film = plots.Film("two moons", moons, moon_labels, moments)
title = "Two moons during training: step and accuracy"
show(title, plots.plot_films, [film], len(moments))

# %% [markdown]
# ### Exercise 2: momentum
#
# A ball that rolls downhill gathers speed. *Momentum* adds a fraction $\mu$ of the last step to
# the next one:
#
# $$v \leftarrow \mu v + \frac{\partial L}{\partial w} \qquad w \leftarrow w - \eta v$$
#
# Write a training with $\mu = 0.9$ and $\eta = 0.1$, from `start(2, 16, 2, seed=1)`, and show that
# the losses of 50 steps equal those of `nn.SGD(..., lr=0.1, momentum=0.9)`.

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
weights = start(2, 16, 2, seed=1)
model = as_model(weights)
optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
velocities = [np.zeros_like(weight) for weight in weights]
by_hand, by_library = [], []
for _ in range(50):
    A, Z = forward(moons, weights)
    loss, dZ = cross_entropy(Z, moon_labels)
    by_hand.append(loss)
    gradients = backward(moons, A, dZ, weights)
    for weight, velocity, gradient in zip(weights, velocities, gradients):
        velocity *= 0.9
        velocity += gradient
        weight -= 0.1 * velocity

    by_library.append(criterion(model(moons), moon_labels))
    model.backward(criterion.backward())
    optimizer.step()
print(f"last loss: by hand {by_hand[-1]:.12f}, np_nn {by_library[-1]:.12f}")
assert np.allclose(by_hand, by_library, rtol=1e-10)

# %% [markdown]
# ## Digits
#
# For digits only the sizes change: 784 inputs, 10 classes. A batch is drawn at random for each
# step, which is the *stochastic* in stochastic gradient descent.

# %%
data = nn.load("digits" if QUICK else "auto", quiet=True)
train, test = data.train, data.test
STEPS = 100 if QUICK else 1000
print(data.note or data.title)


def rows(split, indices):
    """Return pixels of 0 to 1, one picture per row: (N, 784) float32."""
    return split.images[indices].reshape(len(indices), -1) * np.float32(1 / 255)


weights = [array.astype(np.float32) for array in start(784, 64, 10)]
model = as_model(weights).to(np.float32)  # a copy, for the library to start from below
batches = Batches(len(train), 64, steps=STEPS, seed=0)
by_hand = []
for batch in batches:
    by_hand.append(train_step(rows(train, batch), train.labels[batch], weights, lr=0.1))

_, Z = forward(rows(test, np.arange(len(test))), weights)
accuracy = (Z.argmax(axis=1) == test.labels).mean()
print(f"{accuracy:.1%} of the test digits are right, after {STEPS} steps by hand")

# %% [markdown]
# `fit` is this loop: gather a batch, forward, loss, backward, step. From the same start and with
# the same batches it has the same losses, up to the rounding of float32. `evaluate` runs the test
# set through the network.

# %%
optimizer = nn.SGD(model.parameters(), lr=0.1)
history = nn.fit(
    model, train, nn.CrossEntropyLoss(), optimizer,
    steps=STEPS, batch_size=64, seed=0, quiet=True,
)  # fmt: skip
result = nn.evaluate(model, test)
print(f"np_nn: {result.accuracy:.1%} right, loss {result.loss:.3f}")
print(f"largest difference of the losses: {np.abs(history.loss - by_hand).max():.0e}")
assert np.allclose(history.loss, by_hand, atol=0.01)

# %%
with canvas("The same training, by hand and with fit", height=3.4) as figure:
    axes = figure.add_subplot()
    half = STEPS // 50
    axes.plot(plots.smooth(by_hand, half), color=ORANGE, lw=6, alpha=0.4, label="by hand")
    axes.plot(plots.smooth(history.loss, half), "--", color=BLUE, label="fit")
    axes.set(xlabel="step", ylabel=f"loss, mean of {2 * half + 1} batches")
    axes.legend()

# %% [markdown]
# The weights of the first hidden units after training (orange: ink raises the unit's answer):

# %%
filters = model[0].weight.data.T[:24].reshape(24, 28, 28)
show("The weights of 24 of the 64 hidden units", plots.plot_filters, filters)

# %% [markdown]
# ## The compiled kernels, and pixels that are 0
#
# Each function of `np_nn/reference/` may have a compiled kernel of the same name; `nn.use` selects
# which one runs. Both compute the same numbers, but the kernels skip zeros: a pixel of 0 adds
# nothing to a weighted sum, whatever its weight, nor to a weight's gradient $dW_1 = X^T dH$. Here
# is the same training in each way; the times are those of your machine.

# %%
print(f"{np.mean(train.images > 0):.0%} of the pixels are not 0; {ops.describe()}")


def timed(kernels, pixels):
    """Train 784-512-10 for a while; return the losses and the milliseconds per step."""
    nn.use(kernels)
    model = nn.initialize(nn.mlp((784, 512, 10)), "kaiming_normal", seed=0)
    history = nn.fit(
        model, train, nn.CrossEntropyLoss(), nn.SGD(model.parameters(), lr=0.1),
        steps=20 if QUICK else 300, batch_size=256, seed=0, quiet=True, input=pixels,
    )  # fmt: skip
    nn.use("auto")
    return history.loss, history.step_ms_median


ways = [("numpy", "dense")]
if ops.KERNELS:  # built by `pip install -e .` where there is a C compiler
    ways += [("compiled", "dense"), ("compiled", "sparse")]
measured = {way: timed(*way) for way in ways}
for (kernels, pixels), (losses, ms) in measured.items():
    print(f"{kernels:8} {pixels:6}  {ms:6.2f} ms per step, last loss {losses[-1]:.4f}")
for losses, _ in measured.values():
    assert np.allclose(losses, measured["numpy", "dense"][0], rtol=1e-3)

# %% [markdown]
# ### Exercise 3: how much work is there?
#
# Count the multiplications of the first layer's forward pass for the first 256 training digits and
# 512 units: all of them, and those with a non-zero pixel. What fraction remains? Then show that the
# product needs only those columns of $X$ and rows of $W_1$ whose pixel is non-zero in some digit.

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
X = rows(train, np.arange(256))
dense, needed = X.size * 512, np.count_nonzero(X) * 512
print(f"{dense:,} multiplications, {needed:,} with ink: {needed / dense:.0%}")
used = X.any(axis=0)
print(f"{used.sum()} of 784 pixels have ink in any of the 256 digits")
W1 = np.random.default_rng(0).normal(size=(784, 512))
assert np.allclose(X[:, used] @ W1[used], X @ W1)
assert needed < dense

# %% [markdown]
# ### Exercise 4: learning by heart
#
# Train `nn.mlp((784, 256, 10))` on only the first 200 digits, `nn.Split(images, labels)`, for 100
# epochs, with `nn.Adam`. How many of them does it get right, and how many of the test digits?

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
few = nn.Split(train.images[:200], train.labels[:200])
nn.manual_seed(0)
pupil = nn.mlp((784, 256, 10))
nn.fit(
    pupil, few, nn.CrossEntropyLoss(), nn.Adam(pupil.parameters()),
    epochs=100, batch_size=50, seed=0, quiet=True,
)  # fmt: skip
known, new = nn.evaluate(pupil, few).accuracy, nn.evaluate(pupil, test).accuracy
print(f"{known:.1%} of the digits that it knows, {new:.1%} of new ones")
assert known == 1
assert new < 0.97
