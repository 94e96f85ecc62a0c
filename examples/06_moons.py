"""Two classes in the plane, three ways: np_nn, a class in PyTorch, a Sequential in PyTorch.

Each way is a file in moons/ with the same function, train(x, y, ..., watch). Read them side by
side. Here each trains on three sets of points and is observed: the decision boundary, the spread of
the weights, and the loss and accuracy on points it does not train on (validation).
"""

import time

import common
import numpy as np

from np_nn.plots import plane

common.require("torch")
from_scratch = common.require("moons.from_scratch")
torch_class = common.require("moons.torch_class")
torch_sequential = common.require("moons.torch_sequential")

WAYS = {"np_nn": from_scratch, "torch class": torch_class, "torch Sequential": torch_sequential}
LOOKS = {
    "np_nn": {"color": common.BLUE, "lw": 1.5},
    "torch class": {"color": common.ORANGE, "lw": 5, "alpha": 0.3},
    "torch Sequential": {"color": common.ORANGE, "lw": 1.2},
}
SETTINGS = {"hidden": 16, "batch_size": 32, "lr": 0.01, "seed": 0}
TRAIN = 320  # of 520 points; the others are for validation


def point_sets():
    """Return {name: (x (520, 2), y (520,))}."""
    from sklearn.datasets import make_circles, make_classification, make_moons

    return {
        "moons": make_moons(520, noise=0.2, random_state=0),
        "circles": make_circles(520, noise=0.12, factor=0.5, random_state=0),
        "classification": make_classification(
            520, n_features=2, n_redundant=0, class_sep=1.2, random_state=5
        ),
    }


class Watch:
    """Record of a training after each epoch; its own time does not count as training time."""

    def __init__(self, x, y, keep):
        self.x, self.y, self.keep = x, y, keep
        self.training, self.validation = [], []  # (loss, accuracy) of each epoch
        self.films, self.weights = {}, []
        self.seconds, self._last = 0.0, 0.0

    def __call__(self, probability, weights):
        if self.weights:  # the first call is before the first epoch
            self.seconds += time.perf_counter() - self._last
        p = np.clip(probability(self.x), 1e-7, 1 - 1e-7)
        losses, right = -np.log(np.where(self.y == 1, p, 1 - p)), (p > 0.5) == self.y
        for part, kept in ((slice(TRAIN), self.training), (slice(TRAIN, None), self.validation)):
            kept.append((losses[part].mean(), right[part].mean()))
        if len(self.weights) in self.keep:
            self.films[len(self.weights)] = plane.landscape(probability, self.x)
        self.weights.append(weights)
        self._last = time.perf_counter()


def main(argv=None):
    args = common.arguments(__doc__, argv)
    epochs = 20 if args.quick else 60
    keep = (0, 2, 5, 15, epochs)
    sets, seen = point_sets(), {}
    print("points          way               lines  seconds  training  validation")
    for name, (x, y) in sets.items():
        for way, module in WAYS.items():
            watch = seen[name, way] = Watch(x, y, keep if way == "np_nn" else ())
            module.train(x[:TRAIN], y[:TRAIN], epochs=epochs, watch=watch, **SETTINGS)
            lines, accuracies = common.lines_of_code(module.__file__), watch.training[-1][1:]
            accuracies += watch.validation[-1][1:]
            row = f"{name:<15} {way:<17} {lines:>5} {watch.seconds:>8.2f}"
            print(row + "  {:>8.3f}  {:>10.3f}".format(*accuracies))
    print("Three ways, one network. Only the random numbers differ, and the two in PyTorch share")
    print("theirs. Where the validation loss rises again, points are learnt by heart: overfitting.")
    if not args.no_plots:
        draw_films(sets, seen, args)
        draw_metrics(sets, seen, args)
        draw_weights(seen["moons", "np_nn"].weights, args)


def draw_films(sets, seen, args):
    title = "The border while it is learnt (np_nn), with the validation points"
    with common.picture(args, "06_moons_border", title, height=5.4) as figure:
        for row, (name, (x, y)) in zip(figure.subplots(3, 5), sets.items(), strict=True):
            films = seen[name, "np_nn"].films
            for axes, (epoch, land) in zip(row, films.items(), strict=True):
                plane.shade(axes, *land)
                plane.mark(axes, x[TRAIN:], y[TRAIN:], size=8)
                axes.set(xticks=[], yticks=[])
                accuracy = seen[name, "np_nn"].validation[epoch][1]
                axes.set_title(f"epoch {epoch}: {accuracy:.0%}")
            row[0].set_ylabel(name)


def draw_metrics(sets, seen, args):
    title = "Training (solid) and validation (dashed), after each epoch"
    with common.picture(args, "06_moons_metrics", title, height=4.8) as figure:
        panels = figure.subplots(2, 3, sharex=True, sharey="row")
        for column, name in enumerate(sets):
            for way, look in LOOKS.items():
                solid, dashed = seen[name, way].training, seen[name, way].validation
                for row in range(2):  # loss, accuracy
                    panels[row, column].plot([pair[row] for pair in solid], label=way, **look)
                    panels[row, column].plot([pair[row] for pair in dashed], "--", **look)
            panels[0, column].set(title=name)
            panels[1, column].set(xlabel="epoch")
        panels[0, 0].set(ylabel="loss", ylim=(0, 0.8))
        panels[1, 0].set(ylabel="accuracy", ylim=(0.4, 1.01))
        panels[1, 2].legend()


def draw_weights(weights, args):
    title = "The weights spread while two moons are learnt (np_nn)"
    with common.picture(args, "06_moons_weights", title, height=3.1) as figure:
        names = ("first layer", "second layer", "last layer")
        for axes, name, before, after in zip(
            figure.subplots(1, 3), names, weights[0], weights[-1], strict=True
        ):
            reach = np.abs(after).max() * 1.05
            bins = np.linspace(-reach, reach, 22)
            axes.hist(before.ravel(), bins, color=common.GREY, label="before")
            axes.hist(after.ravel(), bins, histtype="step", color=common.BLUE, lw=2, label="after")
            axes.set(title=f"{name}: {before.size} weights")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)


if __name__ == "__main__":
    common.run(main)
