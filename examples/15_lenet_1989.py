"""LeNet of 1989: the first convolutional network, and what 33 years changed.

LeCun et al. 1989 trained 9,760 weights on 7,291 digits of 16 x 16 pixels for three days. Karpathy
repeated it in 2022 (lecun1989-repro) on digits of MNIST, and then changed one thing at a time, as
done here: the loss, the optimizer, the images, the activation. The network keeps its size. Ours is
that AdamW takes 8 digits a step at 3 times the rate, where Karpathy takes one.
"""

from pathlib import Path

import common
import numpy as np

import np_nn as nn

TRAIN, TEST = 7291, 2007  # numbers of images in 1989
# What each step changes, and the test error in % that Karpathy published for it.
STEPS = (
    ("1989: tanh, squared error, SGD", 4.09, {}),
    ("cross-entropy", 4.38, {"loss": "cross_entropy", "lr": 0.01}),
    ("AdamW, 46 passes", 3.59, {"optimizer": nn.AdamW, "lr": 1e-3, "batch_size": 8, "epochs": 46}),
    ("shifted images, 60 passes", 2.19, {"augment": nn.Shift(1), "epochs": 60}),
    ("ReLU and dropout, 80 passes", 1.59, {"activation": nn.ReLU, "dropout": 0.25, "epochs": 80}),
)
START = {
    "loss": "mse", "optimizer": nn.SGD, "lr": 0.03, "batch_size": 1, "epochs": 23,
    "augment": None, "activation": nn.Tanh, "dropout": 0.0,
}  # fmt: skip


class Planes(nn.Module):
    """12 planes of 5 x 5 filters with stride 2; every unit has a bias of its own.

    x (N, inputs, 2 size, 2 size) -> (N, 12, size, size). Beyond the border, x is -1, which is
    paper. seen (12, inputs): 1 where a plane sees an input plane, else 0.
    """

    takes = "images"

    def __init__(self, seen, size):
        super().__init__()
        self.filters = nn.Conv2d(seen.shape[1], 12, 5, stride=2, bias=False)
        self.bias = nn.Parameter(np.zeros((12, size, size), np.float32))
        self.seen = seen[:, :, None, None].astype(np.float32)
        draw(self.filters.weight, 25 * seen[0].sum())
        self.filters.weight.data *= self.seen

    def forward(self, x):
        n, inputs, height, width = x.shape
        padded = np.full((n, inputs, height + 4, width + 4), -1, x.dtype)
        padded[:, :, 2:-2, 2:-2] = x
        return self.filters.forward(padded) + self.bias.data

    def backward(self, grad, input_grad=True):
        self.bias.grad[...] = grad.sum(axis=0)
        below = self.filters.backward(grad, input_grad)
        self.filters.weight.grad *= self.seen
        return np.ascontiguousarray(below[:, :, 2:-2, 2:-2]) if input_grad else None


def draw(weight, fan_in):
    """Draw weights uniformly in +-2.4 / sqrt(fan_in): tanh is nearly linear for their sums."""
    limit = 2.4 / np.sqrt(fan_in)
    weight.data[...] = np.random.default_rng(weight.data.size).uniform(-limit, limit, weight.shape)


def network(activation, dropout, loss):
    """Return the network of 1989; with squared error its outputs are tanh, too."""
    seen = np.ones((12, 12))  # each four planes see eight of the twelve below
    seen[:4, 8:] = seen[4:8, :4] = seen[8:, 4:8] = 0
    model = nn.Sequential(
        Planes(np.ones((12, 1)), 8),
        activation(),
        Planes(seen, 4),
        activation(),
        *([nn.Dropout(dropout)] if dropout else []),
        nn.Flatten(),
        nn.Linear(12 * 4 * 4, 30),
        activation(),
        nn.Linear(30, 10),
        *([nn.Tanh()] if loss == "mse" else []),
    )
    for layer in model:
        if isinstance(layer, nn.Linear):
            draw(layer.weight, layer.weight.shape[0])
            layer.bias.data[...] = 0
    if loss == "mse":
        model[-2].bias.data[...] = -1  # nine of ten targets are -1
    return model


def small(split, count):
    """Return random images of a Split in 16 x 16 pixels, -1 to 1, interpolated linearly.

    Not the first ones: MNIST's first test digits are harder than the rest.
    """
    chosen = np.random.default_rng(0).permutation(len(split))[:count]
    side = split.images.shape[1]
    places = (np.arange(16) + 0.5) * side / 16 - 0.5
    near = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(side)))  # (16, side)
    images = near @ split.images[chosen] @ near.T
    return nn.Split(np.rint(images).astype(np.uint8), split.labels[chosen], 2 / 255, -1)


def train(data, test, loss, optimizer, lr, batch_size, epochs, augment, activation, dropout):
    """Train the network of one step; return its test error in % and its seconds."""
    nn.manual_seed(0)
    model = network(activation, dropout, loss)
    constant = optimizer is nn.SGD
    if loss == "mse":
        data = nn.Split(data.images, nn.one_hot(data.labels, 10, -1, 1), data.scale, data.shift)
    history = nn.fit(
        model, data, nn.MSELoss() if loss == "mse" else nn.CrossEntropyLoss(),
        optimizer(model.parameters(), lr=lr), epochs=epochs, batch_size=batch_size, augment=augment,
        schedule=None if constant else lambda step, steps: 1 - 2 / 3 * step / steps,
        order=lambda: np.arange(len(data)), seed=0, quiet=True,
    )  # fmt: skip
    if history.interrupted:
        raise KeyboardInterrupt
    wrong = nn.predict(model, test).argmax(axis=1) != test.labels
    return 100 * wrong.mean(), history.train_seconds


def main(argv=None):
    args = common.arguments(__doc__, argv)
    digits = common.digits(args)
    data, test = small(digits.train, TRAIN), small(digits.test, TEST)
    print(f"{digits.title}: {len(data):,} digits to learn, {len(test):,} to test, 16 x 16 pixels")
    print(f"{'step':<32} {'published':>9}    ours   time")
    settings, errors = START, []
    for name, published, change in STEPS:
        settings = settings | change
        epochs = max(1, settings["epochs"] // 20) if args.quick else settings["epochs"]
        error, seconds = train(data, test, **settings | {"epochs": epochs})
        errors.append(error)
        print(f"{name:<32} {published:>8.2f}% {error:>6.2f}% {seconds:>5.0f} s", flush=True)
    print(f"33 years removed {1 - errors[-1] / errors[0]:.0%} of the errors")
    if not args.no_plots:
        draw_errors(errors, args)


def draw_errors(errors, args):
    from np_nn.plots import Dot, plot_reproduction

    dots = [
        Dot(f"+ {name}" if i else name, 1 - published / 100, 1 - ours / 100)
        for i, ((name, published, _), ours) in enumerate(zip(STEPS, errors, strict=True))
    ]
    title = "LeNet of 1989, one change after another"
    common.say(plot_reproduction(title, dots, Path(args.out, "15_lenet_1989.png")))


if __name__ == "__main__":
    common.run(main)
