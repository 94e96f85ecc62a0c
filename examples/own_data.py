"""Your own data: from a folder of image files to a network and its model file.

The folder holds a folder for each class. `nn.load` reads it, in an order that spreads the classes
evenly, and keeps a fifth of each class for the test. The model file holds all that is needed to use
the network: layers, class names, and the preparation of an image.
"""

import tempfile
from pathlib import Path

import common
import numpy as np
from PIL import Image

import np_nn as nn

HELD_OUT = 200  # validation images


def write(folder, images, labels, classes):
    """Write each image as a PNG file in the folder of its class."""
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = Path(folder, classes[label], f"{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)


def part(split, start, stop):
    """Return samples start to stop of a Split; its order makes the last ones a fair hold-out."""
    return nn.Split(split.images[start:stop], split.labels[start:stop], split.scale)


def main(argv=None):
    args = common.arguments(__doc__, argv)
    digits = nn.load("digits", quiet=True)
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "digits")
        write(files, digits.train.images, digits.train.labels, digits.classes)
        own = nn.load(files, quiet=True)
        print(f"{len(own.train)} training and {len(own.test)} test images; {own.remarks[0]}")
        train, held_out = part(own.train, 0, -HELD_OUT), part(own.train, -HELD_OUT, None)

        model = nn.initialize(nn.mlp((784, 64, len(own.classes))), "kaiming_uniform", 0)
        history = nn.fit(
            model, train, nn.CrossEntropyLoss(), nn.Adam(model.parameters(), lr=0.003),
            epochs=20, batch_size=32, validation=held_out, seed=0, quiet=True,
        )  # fmt: skip
        path = Path(folder, "digits.safetensors")
        nn.save_model(model, path, nn.ModelInfo.of(own))
        found = nn.load_model(path)

    result = nn.evaluate(found, own.test, keep=True)
    print(f"read from its file, {found} has test accuracy {result.accuracy:.3f}")
    answers = result.outputs.argmax(axis=1)
    for label, name in enumerate(found.info.classes):
        recall = np.mean(answers[own.test.labels == label] == label)
        print(f"class {name}: {recall:.2f} of its test images are right")
    if not args.no_plots:
        draw(history, own, args)
    return 0


def draw(history, own, args):
    with common.picture(args, "own_data", "A folder of digits, learnt", height=3.4) as figure:
        left, right = figure.subplots(1, 2)
        epochs = range(1, 1 + len(history.history["loss"]))
        left.plot(epochs, history.history["accuracy"], color=common.BLUE, label="training")
        left.plot(epochs, history.history["val_accuracy"], color=common.ORANGE, label="held out")
        left.set(xlabel="epoch", title="accuracy")
        left.legend()
        right.imshow(np.hstack(own.train.images[:6]), cmap="gray_r")
        names = [own.classes[label] for label in own.train.labels[:6]]
        right.set(title=f"the first samples: {', '.join(names)}")
        right.set_axis_off()


if __name__ == "__main__":
    common.run(main)
