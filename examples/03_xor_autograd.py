"""XOR once more: PyTorch's autograd computes the backward pass.

Only the forward pass is written. PyTorch records each operation on a tensor that requires a
gradient; loss.backward() applies the chain rule to them in reverse, as 02 does by hand. Initial
weights and settings are those of 02_xor_numpy.py, so the losses are equal, too.
"""

import common
import numpy as np

torch = common.require("torch")

X = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64)
Y = torch.tensor([[0], [1], [1], [0]], dtype=torch.float64)
HIDDEN, LR = 4, 2.0


class Linear:
    """Linear layer x W + b, whose weight and bias require gradients."""

    def __init__(self, weight):
        self.weight = torch.tensor(weight, requires_grad=True)
        self.bias = torch.zeros(weight.shape[1], dtype=torch.float64, requires_grad=True)

    def __call__(self, x):
        return x @ self.weight + self.bias


class Sigmoid:
    def __call__(self, z):
        return 1 / (1 + torch.exp(-z))


def main(argv=None):
    args = common.arguments(__doc__, argv)
    rng = np.random.default_rng(0)  # the initial weights of 02_xor_numpy.py
    hidden, last = Linear(rng.normal(size=(2, HIDDEN))), Linear(rng.normal(size=(HIDDEN, 1)))
    layers = [hidden, Sigmoid(), last, Sigmoid()]
    parameters = [hidden.weight, hidden.bias, last.weight, last.bias]

    def forward(x):
        for layer in layers:
            x = layer(x)
        return x

    losses = []
    for step in range(300 if args.quick else 1000):
        P = forward(X)
        loss = -torch.mean(Y * torch.log(P) + (1 - Y) * torch.log(1 - P))
        losses.append(loss.item())
        if step % 100 == 0:
            print(f"step {step:>4}  loss {loss.item():.6f}")

        loss.backward()  # fills each parameter's .grad
        with torch.no_grad():  # do not differentiate the update itself
            for parameter in parameters:
                parameter -= LR * parameter.grad
                parameter.grad = None  # otherwise the next backward() adds to it

    with torch.no_grad():
        print(f"XOR: {int(((forward(X) > 0.5) == Y).sum())} of 4 right")
        print("The losses are those of 02_xor_numpy.py: autograd is the chain rule.")
        if not args.no_plots:
            draw(losses, hidden, args)


def draw(losses, hidden, args):
    """Draw the loss, and the hidden units' values at the corners."""
    title = "Autograd finds the gradients that were derived by hand"
    with common.picture(args, "03_xor_autograd", title, height=3.6) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(losses, color=common.ORANGE, lw=2)
        left.set(title="loss, the curve of 02", xlabel="step", ylim=(0, None))
        bars = Sigmoid()(hidden(X)).numpy()  # (4, HIDDEN)
        right.imshow(bars, cmap="Greys", vmin=0, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(bars):
            ink = "white" if value > 0.5 else "black"
            right.text(column, row, f"{value:.2f}", color=ink, ha="center", va="center")
        right.set(title="what the hidden units say", xlabel="hidden unit", ylabel="(x1, x2)")
        right.set_xticks(range(HIDDEN), range(1, HIDDEN + 1))
        right.set_yticks(range(4), [f"({a:.0f}, {b:.0f})" for a, b in X.tolist()])
        right.grid(False)


if __name__ == "__main__":
    common.run(main)
