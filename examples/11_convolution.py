"""Convolution: small filters that slide over the image read 99 % of new digits.

A unit of examples 7 to 10 has a weight for every pixel, and must learn each stroke again in each
place. A filter has 5 x 5 weights, which are applied in all places: 8 filters make 8 images, feature
maps, of where they match. Pooling keeps the largest of each 2 x 2, and the next filters see larger
patterns. This example draws the filters, the maps, and the digits that are still misclassified.
"""

from pathlib import Path

import common
import numpy as np

import np_nn as nn


def network():
    nn.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 10),
    )


def main(argv=None):
    args = common.arguments(__doc__, argv)
    data = common.digits(args)
    model = network()
    count = sum(parameter.data.size for parameter in model.parameters())
    print(f"{count:,} weights and biases, a {79_510 / count:.0f}th of 784-100-10's 79,510")
    history = nn.fit(
        model,
        data.train,
        nn.CrossEntropyLoss(),
        nn.SGD(model.parameters(), lr=0.05, momentum=0.9),
        schedule=nn.CosineAnnealingLR(),
        epochs=3,
        batch_size=64,
        validation=data.test,  # tested after each epoch, but nothing is chosen by it
        seed=0,
        quiet=args.quick,
    )
    if history.interrupted:
        raise KeyboardInterrupt

    for epoch, (_, result) in enumerate(history.validation, 1):
        print(f"epoch {epoch}: {result.accuracy:.4f} of the test digits are right")
    shares = probabilities(nn.predict(model, data.test))
    answers = shares.argmax(axis=1)
    wrong = answers != data.test.labels
    print(f"{data.title}: {wrong.sum()} of {len(wrong):,} are mistaken")
    sure = (shares.max(axis=1) > 0.9) & wrong
    print(f"the network is more than 90 % sure of {sure.sum()} of these answers")
    if not args.no_plots:
        draw(model, data, shares, args)


def probabilities(logits):
    """Return the probabilities (n, classes) of logits (n, classes): 0..1, each row sums to 1."""
    return nn.Softmax()(logits)


def stages(model, image):
    """Return [(name, maps (channels, h, w))] of each layer's output for a digit (28, 28), 0..1."""
    x, found = image[None, None], []
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.ReLU | nn.MaxPool2d):
            found.append(("filters and ReLU" if isinstance(layer, nn.ReLU) else "pooling", x[0]))
    return found


def draw(model, data, shares, args):
    from np_nn import plots

    def path(name):
        return Path(args.out, f"11_convolution_{name}.png")

    test, answers = data.test, shares.argmax(axis=1)
    title = "The 8 filters of the first layer: orange where ink raises the answer"
    common.say(plots.plot_filters(model[0].weight.data[:, 0], path("filters"), title))

    four = np.flatnonzero((test.labels == 4) & (answers == 4))[0]
    image, output = test.images[four], dict(zip(data.classes, shares[four], strict=True))
    seen = stages(model, image.astype(np.float32) * np.float32(test.scale))
    title = "What layer after layer makes of a digit"
    common.say(plots.plot_feature_maps(image, seen, output, path("maps"), title))

    title = f"{data.title}: {(answers != test.labels).mean():.2%} are mistaken, and for what"
    common.say(plots.plot_confusion(test.labels, answers, data.classes, path("mistakes"), title))

    title = "The mistakes that the network is surest of"
    where = path("errors")
    common.say(plots.plot_errors(test.images, test.labels, shares, data.classes, where, title))


if __name__ == "__main__":
    common.run(main)
