"""Predicting: a saved network reads digits of a font, prepared as MNIST's were.

A digit on paper is dark on light, of any size and anywhere; MNIST's are light on dark, 20 pixels
high, centred by their mass. The model file names that preparation, and `nn.read_images` applies it.
The network misreads the same pictures if they are only resized.
"""

import tempfile
from pathlib import Path

import common
import numpy as np
from PIL import Image, ImageDraw, ImageFont

import np_nn as nn
from np_nn.data.preparation import IMAGE, Preparation

SIZE = 120  # of a picture, in pixels


def font(height):
    """Return the font DejaVu Sans, which comes with matplotlib."""
    from matplotlib import font_manager

    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), height)


def write(folder):
    """Write a picture of each digit, dark blue on light paper; return their paths."""
    paths = []
    for digit in "0123456789":
        picture = Image.new("RGB", (SIZE, SIZE), "#f4f0e6")
        ImageDraw.Draw(picture).text((20, 10), digit, "#203070", font(64))
        paths.append(Path(folder, f"{digit}.png"))
        picture.save(paths[-1])
    return paths


def right(model, paths, preparation):
    """Return (inputs, fraction of the digits that the model classifies correctly)."""
    seen = model.info.preparation.split(nn.read_images(paths, preparation))
    answers = nn.predict(model, seen).argmax(axis=1)
    return seen.images, np.mean(answers == np.arange(10))


def main(argv=None):
    args = common.arguments(__doc__, argv)
    digits = common.digits(args)
    model = nn.initialize(nn.lenet(), "torch", 0)
    loss, optimizer = nn.CrossEntropyLoss(), nn.Adam(model.parameters(), lr=0.002)
    epochs = 10 if digits.note else 2  # scikit-learn's few digits need more than MNIST
    nn.fit(model, digits.train, loss, optimizer, epochs=epochs, batch_size=64, seed=0, quiet=True)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "digit.safetensors")
        nn.save_model(model, path, nn.ModelInfo.of(digits))
        model = nn.load_model(path)
        paths = write(folder)
        prepared, share = right(model, paths, model.info.preparation)
        resized, bare = right(model, paths, Preparation(IMAGE, (28, 28)))

    print(f"the network: {model.info.dataset}, {len(model.info.classes)} classes")
    print(f"preparation: {model.info.preparation.kind}")
    print(f"prepared as MNIST was: {share:.0%} of the font's digits are classified correctly")
    print(f"only resized: {bare:.0%}")
    if not args.no_plots:
        draw(prepared, resized, args)
    return 0


def draw(prepared, resized, args):
    title = "What the network sees of a font's digits"
    with common.picture(args, "predicting", title, height=2.6) as figure:
        rows = {"prepared": prepared, "resized": resized}
        for axes, (name, images) in zip(figure.subplots(2, 1), rows.items(), strict=True):
            axes.imshow(np.hstack(images), cmap="gray", vmin=0, vmax=255)
            axes.set_ylabel(name)
            axes.set(xticks=[], yticks=[])
            for side in axes.spines.values():
                side.set_visible(False)


if __name__ == "__main__":
    common.run(main)
