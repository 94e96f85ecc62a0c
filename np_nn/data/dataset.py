"""Dataset: a training and a test split, and the preparation of their samples."""

from dataclasses import dataclass, replace
from pathlib import Path

from np_nn.data.preparation import Preparation
from np_nn.data.sources import DATASETS
from np_nn.data.split import Split


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test split of a data set, with its classes and origin."""

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    root: Path | None = None  # torchvision's `root` argument; None if torchvision lacks the set
    note: str = ""  # caveat on the results, in one line
    reason: str = ""  # why the note applies, and its remedy, in one line
    validation: Split | None = None  # held out of the training images by ``prepare``
    prepare_seconds: float = 0.0  # time of ``prepare`` for the training images
    # Rule from files to samples; None becomes that of the training arrays, as they are.
    preparation: Preparation = None  # type: ignore[assignment]
    remarks: tuple[str, ...] = ()  # lines for the report on how the set was read
    files: tuple[Path, ...] = ()  # the user's files and folders from which it was read

    def __post_init__(self):
        own = Preparation.of(self.train)
        if self.preparation is not None:  # the samples' own scale takes precedence
            own = replace(self.preparation, scale=own.scale, shift=own.shift)
        object.__setattr__(self, "preparation", own)

    @property
    def title(self) -> str:
        """The data set's usual spelling; for a user's own set, its name."""
        titles = {name: source.title for name, source in DATASETS.items()}
        return (titles | {"digits": "scikit-learn's digits"}).get(self.name, self.name)


def paths(dataset):
    """Return a Dataset's possible files, packed and unpacked, or image folders; [] for digits."""
    if dataset.root is None:
        return list(dataset.files)
    source = DATASETS[dataset.name]
    raw = dataset.root / source.folder / "raw"
    return [raw / name for file in source.files for name in file.names]
