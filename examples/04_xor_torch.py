"""XOR a last time, as one writes it in PyTorch: torch.nn holds the layers, torch.optim the update.

The page of code in 02 is a few lines here. To show that nothing else changed, the layers get the
initial weights of 02_xor_numpy.py; without that they start from PyTorch's own.
"""

import common
import numpy as np

from np_nn.plots import plane

torch = common.require("torch")

X = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64)
Y = torch.tensor([[0], [1], [1], [0]], dtype=torch.float64)
HIDDEN, LR = 4, 2.0


def main(argv=None):
    args = common.arguments(__doc__, argv)
    model = torch.nn.Sequential(
        torch.nn.Linear(2, HIDDEN),
        torch.nn.Sigmoid(),
        torch.nn.Linear(HIDDEN, 1),
        torch.nn.Sigmoid(),
    ).double()
    start_as_before(model)
    loss_function = torch.nn.BCELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)

    losses, marks, films = [], (0, 100, 200, 299 if args.quick else 999), []
    for step in range(marks[-1] + 1):
        loss = loss_function(model(X), Y)
        losses.append(loss.item())
        if step in marks:
            films.append({name: value.clone() for name, value in model.state_dict().items()})
        if step % 100 == 0:
            print(f"step {step:>4}  loss {loss.item():.6f}")

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    right = int(((model(X) > 0.5) == Y).sum())
    print(f"XOR: {right} of 4 right")
    print("The losses are those of 02 and 03: three ways to write one computation.")
    if not args.no_plots:
        draw(model, marks, losses, films, args)


def start_as_before(model):
    """Set the initial weights of 02; torch holds them as (out, in)."""
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for layer, shape in ((model[0], (2, HIDDEN)), (model[2], (HIDDEN, 1))):
            layer.weight.copy_(torch.tensor(rng.normal(size=shape).T))
            layer.bias.zero_()


@torch.no_grad()
def draw(model, marks, losses, films, args):
    title = "How the border comes about"
    with common.picture(args, "04_xor_torch", title, height=3.1) as figure:
        for axes, step, state in zip(figure.subplots(1, 4), marks, films, strict=True):
            model.load_state_dict(state)
            plane.boundary(
                axes, lambda points: model(torch.from_numpy(points)), X.numpy(), Y.numpy()
            )
            axes.set(title=f"step {step}\nloss {losses[step]:.3f}", xticks=[0, 1], yticks=[0, 1])
            axes.set(xlabel="x1", aspect="equal")


if __name__ == "__main__":
    common.run(main)
