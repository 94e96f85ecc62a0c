"""Table of the data sets: mirrors, and checksums that verify their files.

To add a set in MNIST's format, add an entry to DATASETS.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """IDX file of unsigned bytes, and the SHA-256 that verifies it."""

    name: str
    shape: tuple[int, ...]
    sha256: str
    of_gz: bool = False  # sha256 is that of the .gz, the only one known for KMNIST

    @property
    def names(self):
        """File names that are looked for, best first, also with .idx as on Kaggle."""
        spellings = self.name, self.name.replace("-idx", ".idx")
        names = [f"{name}{ending}" for ending in ("", ".gz") for name in spellings]
        return names[::-1] if self.of_gz else names


@dataclass(frozen=True)
class Source:
    """Origin of a data set, its classes and its files."""

    title: str
    folder: str  # torchvision's class name
    mirrors: tuple[str, ...]
    classes: tuple[str, ...]
    files: tuple[File, File, File, File]  # train images, train labels, test images, test labels


def _mnist_files(*digests, of_gz=False):
    """Return the four files of MNIST or one of its successors, given the SHA-256 of each."""
    return (
        File("train-images-idx3-ubyte", (60000, 28, 28), digests[0], of_gz),
        File("train-labels-idx1-ubyte", (60000,), digests[1], of_gz),
        File("t10k-images-idx3-ubyte", (10000, 28, 28), digests[2], of_gz),
        File("t10k-labels-idx1-ubyte", (10000,), digests[3], of_gz),
    )


_FASHION = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"

DATASETS = {
    "mnist": Source(
        "MNIST",
        "MNIST",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        tuple("0123456789"),
        _mnist_files(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    "fashion": Source(
        "Fashion-MNIST",
        "FashionMNIST",
        (
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        tuple(_FASHION.split(",")),
        _mnist_files(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
    "kmnist": Source(
        "KMNIST",
        "KMNIST",
        ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        _mnist_files(
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            of_gz=True,
        ),
    ),
}


def names():
    """Return the names that ``load`` knows, with those that a program added to DATASETS."""
    return ("auto", *DATASETS, "digits")
