"""The ladder network: a decoder that removes noise makes a better classifier.

Rasmus et al. 2015 train on a corrupted path, with noise in the input and in each layer. A clean
path with the same weights shows what each layer is without noise, and a decoder has to estimate it
from the corrupted one, from the top layer down to the pixels; its squared errors are part of the
loss. A test uses the clean path alone. ladder/network.py has forward and backward, written out.

The authors join a batch with labels and one without; as all digits have labels here, one batch is
both. The rest is theirs: network, noise, costs, Adam, and a rate that falls to 0 in the last third.
"""

import common
import numpy as np
from ladder.network import Ladder

import np_nn as nn

WIDTHS = (784, 1000, 500, 250, 250, 250, 10)
COSTS = (1000, 1, 0.01, 0.01, 0.01, 0.01, 0.01)  # of the decoder's errors, from the pixels up
INPUT_NOISE = 0.3  # standard deviation
NETWORKS = (  # name, published test error in %, noise in the layers, costs: as in the authors' code
    ("baseline, no decoder", 0.80, 0.5, ()),
    ("ladder network", 0.57, 0.3, COSTS),
)
EPOCHS = 30  # of the published 150


class Errors(nn.Callback):
    """Test error in % after each epoch; nothing is chosen by it."""

    def __init__(self, data):
        self.data, self.found = data, []

    def on_epoch_end(self, training):
        training.model.settle(self.data.train.images[:20000])
        answers = nn.predict(training.model, self.data.test).argmax(axis=1)
        self.found.append(100 * (answers != self.data.test.labels).mean())


def train(data, noise, costs, epochs, quiet):
    """Train a network; return it with its test errors in % by epoch, and the seconds."""
    nn.manual_seed(0)
    model, errors = Ladder(WIDTHS, INPUT_NOISE, noise, costs), Errors(data)
    history = nn.fit(
        model, data.train, nn.CrossEntropyLoss(), nn.Adam(model.parameters(), lr=0.002),
        epochs=epochs, batch_size=100, callbacks=[errors], seed=0, quiet=quiet,
        schedule=lambda step, steps: min(1, (1 - step / steps) / (1 - 0.67)),
    )  # fmt: skip
    if history.interrupted:
        raise KeyboardInterrupt
    return model, errors.found, history.train_seconds


def main(argv=None):
    args = common.arguments(__doc__, argv, epochs=EPOCHS)
    data, epochs = common.digits(args), 3 if args.quick else args.epochs
    print(f"{data.title}: {len(data.train):,} digits to learn, {len(data.test):,} to test")
    print(f"test error after  150 epochs  {epochs:>3} epochs")
    print(f"{'network':<20} published       ours      time")
    curves = {}
    for name, published, noise, costs in NETWORKS:
        model, curves[name], seconds = train(data, noise, costs, epochs, args.quick)
        error = curves[name][-1]
        print(f"{name:<20} {published:>8.2f}% {error:>9.2f}% {seconds:>7.0f} s", flush=True)
    digits = data.test.images[:100].reshape(100, -1) * np.float32(1 / 255)
    model.forward(digits)
    shown = digits, model.ctx.noisy, model.ctx.estimate
    before, after = (np.sqrt(np.mean((images - digits) ** 2)) for images in shown[1:])
    print(f"noise of {before:.2f} in test digits: {after:.2f} remains after the decoder")
    if not args.no_plots:
        draw(curves, shown, args)


def draw(curves, shown, args):
    title = "Ladder network: errors by epoch, and what the decoder makes of test digits"
    with common.picture(args, "13_ladder", title, height=3.6, width=9) as figure:
        left, right = figure.subfigures(1, 2, width_ratios=(1, 1.15))
        axes = left.subplots()
        colours = common.ORANGE, common.BLUE
        for (name, published, *_), colour in zip(NETWORKS, colours, strict=True):
            curve = curves[name]
            axes.plot(range(1, len(curve) + 1), curve, color=colour, label=name)
            axes.axhline(published, color=colour, ls=":", label=f"published, {published:.2f} %")
        axes.set(xlabel="epoch", ylabel="test error in %", yscale="log")
        axes.set_yticks((0.5, 0.6, 0.8, 1, 2, 4))
        axes.set_yticks([], minor=True)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.legend()
        panels = right.subplots(len(shown), 5)
        for row, images, name in zip(panels, shown, ("digit", "noisy", "estimate"), strict=True):
            row[0].set_ylabel(name)
            for axes, image in zip(row, images, strict=False):
                axes.imshow(image.reshape(28, 28), cmap="gray", vmin=0, vmax=1)
                axes.set(xticks=[], yticks=[])
                axes.spines[:].set_visible(False)


if __name__ == "__main__":
    common.run(main)
