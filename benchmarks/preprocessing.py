"""Time to deskew and distort MNIST's 60,000 training images.

Prints a table of medians: np_nn, on NumPy and compiled, beside the usual libraries, SciPy and
torchvision, which are called image by image, as a torchvision Dataset does. They are timed on FEW
images and scaled up.
"""

import statistics
import sys

import numpy as np
from contenders.problem import dataset
from scipy import ndimage
from timing import timed

from np_nn import cli, ops
from np_nn.data.augmentation import Affine, Compose, Elastic, Shift
from np_nn.data.preprocess import deskew
from np_nn.utils import machine
from np_nn.utils.markdown import markdown_table

FEW = 500  # images for the contenders that take one at a time
SETTINGS = (("numpy", 1), ("compiled", 1), ("compiled", 2))
BOTH = Compose([Affine(), Elastic()])


def main(argv=None):
    command = cli.Parser(description=__doc__)
    command.add_argument("--rounds", type=cli.whole_number(1), default=5, metavar="N")
    args = command.parse_args(argv)
    images = dataset("mnist").train.images
    print(f"On {machine.describe()}; {len(images):,} images, medians of {args.rounds} rounds.\n")
    rows = [row(words, *task, images, args.rounds) for words, task in tasks().items()]
    header = ("", "image by image, ms", "np_nn on NumPy, ms", "compiled, 1 thread, ms",
              "compiled, 2 threads, ms")  # fmt: skip
    print(markdown_table(header, rows))
    return 0


def tasks():
    """Return {words: (np_nn's function of all images, other library, its function of one)}."""
    vision = torchvision_transforms()
    return {
        "deskew": (lambda images, rng: deskew(images), "SciPy", deskew_one),
        "shift": (Shift(2), "torchvision", vision.get("shift")),
        "affine": (Affine(), "torchvision", vision.get("affine")),
        "elastic": (Elastic(), "torchvision", vision.get("elastic")),
        "elastic, again": (Elastic(), "SciPy", elastic_one),
        "affine and elastic": (BOTH, "torchvision", vision.get("both")),
    }


def row(words, ours, theirs, one, images, rounds):
    """Return one row of the table; contenders take turns, so that load affects all alike.

    Args:
        words: head of the row.
        ours: np_nn's function (images, rng).
        theirs: name of the other library.
        one: its function of one image, or None.
        images: (n, 28, 28) uint8.
        rounds: number of rounds.
    """
    rng = np.random.default_rng(0)

    def one_by_one():
        for image in images[:FEW]:
            one(image)

    calls = {"theirs": one_by_one} if one else {}
    calls |= {setting: lambda: ours(images, rng) for setting in SETTINGS}
    times = {setting: [] for setting in calls}
    for _ in range(rounds):
        for setting, call in calls.items():
            if setting in SETTINGS:
                ops.use(setting[0])
                ops.set_threads(setting[1])
            times[setting].append(1e3 * timed(lambda _, call=call: call(), 1))
    ms = {setting: statistics.median(taken) for setting, taken in times.items()}
    other = f"{ms['theirs'] * len(images) / FEW:,.0f} ({theirs})" if one else "-"
    return words, other, *(f"{ms[setting]:,.0f}" for setting in SETTINGS)


def deskew_one(image):
    ink = image / image.sum()
    y, x = np.indices(image.shape)
    y0, x0 = (ink * y).sum(), (ink * x).sum()
    slant = (ink * (y - y0) * (x - x0)).sum() / (ink * (y - y0) ** 2).sum()
    matrix = np.array([[1, 0], [slant, 1]])
    return ndimage.affine_transform(image, matrix, (y0, x0) - matrix @ (14, 14), order=1)


def elastic_one(image, alpha=34, sigma=4):
    noise = np.random.default_rng().uniform(-1, 1, (2, *image.shape))
    field = alpha * ndimage.gaussian_filter(noise, (0, sigma, sigma), mode="constant")
    return ndimage.map_coordinates(image, np.indices(image.shape) + field, order=1)


def torchvision_transforms():
    """Return torchvision's counterparts, each for one image; {} if it is not installed."""
    try:
        import torch
        from torchvision.transforms import InterpolationMode, v2
    except ImportError:
        print("torchvision is not installed: its times are missing", file=sys.stderr)
        return {}
    torch.set_num_threads(1)  # 28x28 pixels are too few for two threads
    bilinear = InterpolationMode.BILINEAR
    shift = v2.RandomAffine(0, translate=(2 / 28, 2 / 28))
    affine = v2.RandomAffine(15, scale=(0.85, 1.15), interpolation=bilinear)
    elastic = v2.ElasticTransform(34.0, 4.0)
    transforms = {"shift": shift, "affine": affine, "elastic": elastic}
    transforms["both"] = v2.Compose([affine, elastic])

    def for_array(transform):
        return lambda image: transform(torch.from_numpy(image.copy())[None])

    return {name: for_array(transform) for name, transform in transforms.items()}


if __name__ == "__main__":
    cli.run(main)
