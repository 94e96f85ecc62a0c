"""Regression: the same unit learns y = 2x in np_nn and in PyTorch, step for step.

One Linear unit without activation and the mean squared error. np_nn.torch_twin copies a network
into PyTorch; from the same start both print the same losses, which is how np_nn is tested.
"""

import common
import numpy as np

import np_nn as nn

torch, twin = common.require("torch"), common.require("np_nn.torch_twin")

X = np.linspace(-1, 1, 20).reshape(-1, 1)  # (20, 1)
Y = 2 * X


def main(argv=None):
    args = common.arguments(__doc__, argv)
    nn.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 1)).to(np.float64)
    loss, optimizer = nn.MSELoss(), nn.SGD(model.parameters(), lr=0.1)

    torch_model = twin.module(model)  # before the first step, as it copies the weights
    torch_loss = twin.loss(loss)
    torch_optimizer = twin.optimizer(optimizer, torch_model.parameters())
    torch_x, torch_y = torch.from_numpy(X), torch.from_numpy(Y)

    ours, theirs, lines = [], [], []
    print("step       np_nn     PyTorch")
    for step in range(151):
        lines.append(model(X))
        ours.append(loss(model(X), Y))
        model.backward(loss.backward())
        optimizer.step()

        torch_optimizer.zero_grad()
        value = torch_loss(torch_model(torch_x), torch_y)
        value.backward()
        torch_optimizer.step()
        theirs.append(value.item())

        if step % 30 == 0:
            print(f"{step:>4}  {ours[-1]:.4e}  {theirs[-1]:.4e}")

    print(f"largest difference of the losses: {np.abs(np.subtract(ours, theirs)).max():.0e}")
    for name, weight, bias in (
        ("np_nn  ", model[0].weight.data, model[0].bias.data),
        ("PyTorch", torch_model[0].weight, torch_model[0].bias),
    ):
        print(f"{name} learnt y = {weight.item():.3f} x {round(bias.item(), 3) + 0:+.3f}")
    if not args.no_plots:
        draw(ours, theirs, lines, args)


def draw(ours, theirs, lines, args):
    title = "One unit learns y = 2x, twice with the same numbers"
    with common.picture(args, "05_regression", title, height=3.6) as figure:
        left, right = figure.subplots(1, 2)
        left.plot(X, Y, "o", color=common.BLACK, ms=4, label="data")
        for step, look in ((0, ":"), (5, "--"), (20, "-."), (150, "-")):
            left.plot(X, lines[step], look, color=common.BLUE, lw=1.8, label=f"step {step}")
        left.set(title="data and fit", xlabel="x", ylabel="y")
        left.legend()
        right.plot(ours, color=common.BLUE, lw=6, alpha=0.4, label="np_nn")
        right.plot(theirs, "--", color=common.ORANGE, lw=1.8, label="PyTorch")
        right.set(title="mean squared error", xlabel="step", yscale="log")
        right.legend()


if __name__ == "__main__":
    common.run(main)
