"""A network learns XOR: forward, backward and update in plain NumPy, nothing hidden.

A hidden layer bends the plane before the last unit draws its line. This is the arithmetic of
np_nn's layers; 03 and 04 repeat it with PyTorch, from the same initial weights.
"""

import common
import numpy as np

import np_nn as nn
from np_nn.plots import plane

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)  # (4, 2)
Y = np.array([[0], [1], [1], [0]], float)  # (4, 1)
HIDDEN, LR = 4, 2.0


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def start():
    """Return random weights, so that the hidden units differ, and biases 0."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, HIDDEN)), np.zeros(HIDDEN), rng.normal(size=(HIDDEN, 1)), np.zeros(1)


def forward(x, weights):
    W1, b1, W2, b2 = weights
    A = sigmoid(x @ W1 + b1)  # (N, 2) @ (2, 4) -> (N, 4): values of the hidden units
    P = sigmoid(A @ W2 + b2)  # (N, 4) @ (4, 1) -> (N, 1): the probability of 1
    return A, P


def main(argv=None):
    args = common.arguments(__doc__, argv)
    W1, b1, W2, b2 = start()
    losses = []
    for step in range(300 if args.quick else 1000):
        A, P = forward(X, (W1, b1, W2, b2))
        loss = -np.mean(Y * np.log(P) + (1 - Y) * np.log(1 - P))  # cross-entropy
        losses.append(loss)
        if step % 100 == 0:
            print(f"step {step:>4}  loss {loss:.6f}")

        # Backward: the chain rule, from the loss to the first weights. dZ is dL/dZ.
        dZ = (P - Y) / len(X)  # (4, 1): of the last weighted sum; sigmoid and loss in one
        dW2, db2 = A.T @ dZ, dZ.sum(axis=0)
        dA = dZ @ W2.T  # (4, 4): the gradient at the hidden units' values
        dH = dA * A * (1 - A)  # through the sigmoid, whose derivative is A (1 - A)
        dW1, db1 = X.T @ dH, dH.sum(axis=0)

        # Update: a step downhill.
        W1, b1 = W1 - LR * dW1, b1 - LR * db1
        W2, b2 = W2 - LR * dW2, b2 - LR * db2

    A, P = forward(X, (W1, b1, W2, b2))
    for x, p in zip(X, P[:, 0], strict=True):
        print(f"{x[0]:.0f} xor {x[1]:.0f}: {p:.3f}")
    print(f"XOR: {int(((P > 0.5) == Y).sum())} of 4 right")

    unit = nn.Neuron(2, "sigmoid")  # the first hidden unit, in numbers
    unit.load_state_dict({"weight": W1[:, :1].T, "bias": b1[:1]})
    print(f"The first hidden unit at (0, 1):\n{unit.explain(X[1])}")
    if not args.no_plots:
        draw(losses, lambda points: forward(points, (W1, b1, W2, b2))[1], args)


def draw(losses, probability, args):
    title = "A hidden layer separates what no line can"
    with common.picture(args, "02_xor_numpy", title, height=3.6) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(losses, color=common.BLUE, lw=2)
        left.axhline(np.log(2), color="black", ls=":", label="knowing nothing: log 2")
        left.set(title="loss", xlabel="step", ylim=(0, None))
        left.legend()
        plane.boundary(right, probability, X, Y)
        right.set(title="probability of 1; the border is at 1/2", xlabel="x1", ylabel="x2")
        right.set(xticks=[0, 1], yticks=[0, 1], aspect="equal")


if __name__ == "__main__":
    common.run(main)
