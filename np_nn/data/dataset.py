"""Dataset: a training and a test split, and how files become samples of them."""

from dataclasses import dataclass, replace
from pathlib import Path

from np_nn.data.preparation import Preparation
from np_nn.data.sources import DATASETS
from np_nn.data.split import Split


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test split."""

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    root: Path | None = None  # what torchvision would be given; None if that reads no such set
    note: str = ""  # what the user should know when reading the results, in one line
    reason: str = ""  # why the note applies, and what would help, in one line
    validation: Split | None = None  # held out of the training images by ``prepare``
    prepare_seconds: float = 0.0  # what ``prepare`` took for the training images
    preparation: Preparation | None = None  # by which files become samples; None: of arrays alone
    remarks: tuple[str, ...] = ()  # what reading it did that is worth a line of the report each
    files: tuple[Path, ...] = ()  # files and folders of the user's own that it was read from

    def __post_init__(self):
        own = Preparation.of(self.train)
        if self.preparation is not None:  # the scale is that of the samples, whoever set it
            own = replace(self.preparation, scale=own.scale, shift=own.shift)
        object.__setattr__(self, "preparation", own)

    @property
    def title(self):
        """The data set's name as people write it; a set of the user's own has the name it has."""
        titles = {name: source.title for name, source in DATASETS.items()}
        return (titles | {"digits": "scikit-learn's digits"}).get(self.name, self.name)


def paths(dataset):
    """Return the files of a Dataset, packed or not, and folders of images; none of the digits."""
    if dataset.root is None:
        return list(dataset.files)
    source = DATASETS[dataset.name]
    raw = dataset.root / source.folder / "raw"
    return [raw / f"{file.name}{ending}" for file in source.files for ending in ("", ".gz")]
