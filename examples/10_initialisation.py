"""Initialisation: why weights do not start at zero, and why their standard deviation matters.

If all weights start equal, all units of a layer stay equal. If they start too small, the signal
and the gradient vanish from layer to layer; if too large, they explode. Xavier's rule keeps the
standard deviation of the activations constant for tanh, Kaiming's for ReLU.
"""

import common
import numpy as np

import np_nn as nn

STARTS = (  # names in np_nn/layers/initializers.py
    "zeros", "original", "torch", "xavier_uniform", "kaiming_normal", "orthogonal",
)  # fmt: skip
DEPTH = 10
DEEP = (784, *[100] * DEPTH, 10)


def spreads(data, start, activation):
    """Return the standard deviation over digits of each hidden layer's units, (DEPTH,)."""
    model = nn.initialize(nn.mlp(DEEP, activation), start, seed=0).to(np.float64)
    x = data.train.images[:500].reshape(500, -1) * data.train.scale
    found = []
    for layer in model[:-1]:
        x = layer(x)
        if not isinstance(layer, nn.Linear):
            found.append(x.std(axis=0).mean())
    return np.array(found)


def train(data, start, activation, sizes, steps):
    model = nn.initialize(nn.mlp(sizes, activation), start, seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.02, momentum=0.9)
    history = nn.fit(
        model, data.train, nn.CrossEntropyLoss(), optimizer,
        steps=steps, batch_size=64, seed=0, quiet=True,
    )  # fmt: skip
    return model, history


def main(argv=None):
    args = common.arguments(__doc__, argv)
    data, steps = common.digits(args), 100 if args.quick else 500

    print("784-100-10 with sigmoids, after 100 steps:")
    for start in ("zeros", "torch"):
        model, _ = train(data, start, "sigmoid", (784, 100, 10), 100)
        different = len(np.unique(model[0].weight.data.round(6), axis=1).T)
        print(f"  from {start:<6} {different:>3} different hidden units of 100")

    early = steps // 5
    print(f"{DEPTH} hidden layers of 100 ReLUs:")
    print(
        f"start            spread in layer 1  in layer {DEPTH}  loss after {early}  after {steps}"
    )
    spread, curves = {"relu": {}, "tanh": {}}, {}
    for start in STARTS:
        for activation, found in spread.items():
            found[start] = spreads(data, start, activation)
        _, history = train(data, start, "relu", DEEP, steps)
        curves[start] = common.smooth(history)
        first, last = spread["relu"][start][[0, -1]]
        print(f"{start:<16} {first:>17.3g} {last:>12.3g}", end="")
        print(f" {curves[start][early - 1]:>15.3f} {curves[start][-1]:>10.3f}")
    print("Kaiming's rule is made for ReLU: the spread stays, and learning begins at once.")
    if not args.no_plots:
        draw_spreads(spread, args)
        title = f"{DEPTH} hidden layers of ReLUs on {data.title}: loss in {steps} steps"
        with common.picture(args, "10_initialisation_loss", title, height=4.4) as figure:
            common.one_by_one(figure, curves, low=0.15, high=2.5)


def draw_spreads(spread, args):
    title = f"Spread of the activations through {DEPTH} layers, before training"
    looks = {
        "original": (common.BLACK, "v:"),
        "torch": (common.ORANGE, "s--"),
        "xavier_uniform": (common.BLUE, "o-"),
        "kaiming_normal": (common.GREEN, "D-"),
        "orthogonal": (common.PINK, "^-."),
    }
    with common.picture(args, "10_initialisation", title, height=3.8) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (activation, found) in zip(panels, spread.items(), strict=True):
            for start, (colour, look) in looks.items():
                layers = range(1, DEPTH + 1)
                axes.plot(layers, found[start], look, color=colour, ms=5, label=start)
            axes.set(title=activation, xlabel="hidden layer", yscale="log", xticks=range(1, 11))
        panels[0].set_ylabel("standard deviation")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)


if __name__ == "__main__":
    common.run(main)
