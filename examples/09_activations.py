"""Activations: the function, its derivative, and how well a deep network learns with it.

In the backward pass the gradient is multiplied by the derivative. The sigmoid's is at most 1/4;
after five layers these factors alone leave a thousandth, and the first layers hardly learn. The
others have a derivative of about 1 in their working range.
"""

import common
import numpy as np

import np_nn as nn
from np_nn.models import ACTIVATIONS

SIZES = (784, 50, 50, 50, 50, 50, 10)
Z = np.linspace(-4, 4, 401).reshape(-1, 1)


def main(argv=None):
    args = common.arguments(__doc__, argv)
    data, steps = common.digits(args), 200 if args.quick else 1000
    shapes, curves = {}, {}
    print(f"activation   largest f'  loss after {steps}  test accuracy")
    for name, activation in ACTIVATIONS.items():
        layer = activation()
        shapes[name] = layer(Z), layer.backward(np.ones_like(Z)).copy()  # f and f'

        nn.manual_seed(0)
        model = nn.mlp(SIZES, name)
        optimizer = nn.SGD(model.parameters(), lr=0.05, momentum=0.9)
        history = nn.fit(
            model, data.train, nn.CrossEntropyLoss(), optimizer,
            steps=steps, batch_size=64, seed=0, quiet=True,
        )  # fmt: skip
        curves[name] = common.smooth(history)
        accuracy = nn.evaluate(model, data.test).accuracy
        slope, loss = shapes[name][1].max(), curves[name][-1]
        print(f"{name:<12} {slope:>10.2f} {loss:>16.3f} {accuracy:>14.3f}")
    print("With sigmoids, the gradient vanishes through five layers.")
    if not args.no_plots:
        draw_shapes(shapes, args)
        title = f"784, five layers of 50, 10 on {data.title}: loss in {steps} steps"
        with common.picture(args, "09_activations_loss", title, height=4.4) as figure:
            common.one_by_one(figure, curves, low=0.08, high=2.5)


def draw_shapes(shapes, args):
    title = "Activations (blue) and their derivatives (orange, dashed)"
    with common.picture(args, "09_activations", title, height=4.4) as figure:
        panels = common.panels(figure, len(shapes))
        for axes, (name, (value, slope)) in zip(panels, shapes.items(), strict=True):
            axes.plot(Z, value, color=common.BLUE, lw=2)
            axes.plot(Z, slope, "--", color=common.ORANGE, lw=1.8)
            axes.set(title=name, ylim=(-2, 2.5), xticks=range(-4, 5, 2))


if __name__ == "__main__":
    common.run(main)
