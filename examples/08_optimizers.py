"""Eight optimizers descend the same valley, and train the same network.

All take the gradient; they differ in what they remember of earlier ones. SGD remembers nothing
and zigzags down a narrow valley. Momentum adds up the steps. Adagrad, RMSprop, Adadelta and Adam
give each number a step size of its own, by the size of its gradients.
"""

import common
import numpy as np

import np_nn as nn

# name: (optimizer, settings on the valley, learning rate of the network)
OPTIMIZERS = {
    "SGD": (nn.SGD, {"lr": 0.09}, 0.1),
    "momentum": (nn.SGD, {"lr": 0.02, "momentum": 0.9}, 0.1),
    "Nesterov": (nn.SGD, {"lr": 0.02, "momentum": 0.9, "nesterov": True}, 0.1),
    "Adagrad": (nn.Adagrad, {"lr": 0.9}, 0.02),
    "RMSprop": (nn.RMSprop, {"lr": 0.1}, 0.001),
    "Adadelta": (nn.Adadelta, {"lr": 1.0}, 1.0),
    "Adam": (nn.Adam, {"lr": 0.3}, 0.002),
    "AdamW": (nn.AdamW, {"lr": 0.3, "weight_decay": 0.1}, 0.002),  # decay pulls to 0
}
START, STEEP, WALK = (-4.0, 1.5), 20.0, 60


def valley(x, y):
    """Return the height of a valley along x, twenty times as steep across: lowest at (0, 0)."""
    return 0.5 * (x**2 + STEEP * y**2)


def walk(optimizer, settings):
    """Return the points (WALK + 1, 2) that an optimizer passes through."""
    point = nn.Parameter(np.array(START))
    optimizer = optimizer([point], **settings)
    path = [point.data.copy()]
    for _ in range(WALK):
        x, y = point.data
        point.grad[:] = x, STEEP * y
        optimizer.step()
        path.append(point.data.copy())
    return np.array(path)


def train(optimizer, settings, data, steps):
    """Train a 784-100-10 network; return its History."""
    nn.manual_seed(0)
    model = nn.mlp((784, 100, 10))
    optimizer = optimizer(model.parameters(), **settings)
    return nn.fit(
        model, data.train, nn.CrossEntropyLoss(), optimizer,
        steps=steps, batch_size=64, seed=0, quiet=True,
    )  # fmt: skip


def main(argv=None):
    args = common.arguments(__doc__, argv)
    data, steps = common.digits(args), 100 if args.quick else 500
    paths, curves = {}, {}
    print(f"optimizer  height after {WALK} steps  loss on digits after {steps}")
    for name, (optimizer, settings, lr) in OPTIMIZERS.items():
        paths[name] = walk(optimizer, settings)
        history = train(optimizer, {**settings, "lr": lr}, data, steps)
        curves[name] = common.smooth(history)
        height, loss = valley(*paths[name][-1]), curves[name][-1]
        print(f"{name:<10} {height:>21.1e} {loss:>26.3f}")
    print("Without a learning rate that tells it the scale of the valley, Adadelta starts slowly.")
    print("None is best everywhere: each was given a learning rate that suits it.")
    if not args.no_plots:
        draw_paths(paths, args)
        title = f"784-100-10 on {data.title}: loss in {steps} steps of 64 digits"
        with common.picture(args, "08_optimizers_loss", title, height=4.4) as figure:
            common.one_by_one(figure, curves, low=0.15, high=2.5)


def draw_paths(paths, args):
    across, up = np.meshgrid(np.linspace(-5, 3, 200), np.linspace(-2, 2, 200))
    levels = 0.02 * 4.0 ** np.arange(7)
    title = f"{WALK} steps down a valley, and how high they end"
    with common.picture(args, "08_optimizers_paths", title, height=4.2) as figure:
        panels = figure.subplots(2, 4, sharex=True, sharey=True)
        for axes, (name, path) in zip(panels.flat, paths.items(), strict=True):
            axes.contour(across, up, valley(across, up), levels, colors=common.GREY, linewidths=0.8)
            axes.plot(*path.T, ".-", color=common.BLUE, lw=1.2, ms=4)
            axes.plot(0, 0, "*", color=common.ORANGE, ms=11, zorder=3)
            axes.set(title=f"{name}: {valley(*path[-1]):.2g}", xlim=(-5, 3), ylim=(-2, 2))
            axes.grid(False)


if __name__ == "__main__":
    common.run(main)
