"""Data sets: MNIST and its successors, and the digits that scikit-learn ships.

The way of one call: load (loading.py) takes a name or a path. A name's files (known.py) are looked
for, fetched where they are missing (download.py), proven (verify.py, sources.py) and parsed
(idx.py). A path is read by its format (formats/), and becomes a Dataset (own.py).

Files lie as torchvision has them, `<root>/MNIST/raw/train-images-idx3-ubyte`, packed with gzip
(`.gz`) or not. Nothing is trusted before size, header and SHA-256 are right; what is damaged is
reported, and neither skipped nor overwritten. Bad data leaves here as DataError and nothing else.
"""

from np_nn.data.dataset import Dataset, paths
from np_nn.data.download import fetch
from np_nn.data.idx import read_idx
from np_nn.data.known import cache_folder, located
from np_nn.data.loading import load
from np_nn.data.own import from_arrays
from np_nn.data.sources import DATASETS, File, Source, names
from np_nn.data.split import Split
from np_nn.data.verify import check_split

__all__ = [
    "DATASETS",
    "Dataset",
    "File",
    "Source",
    "Split",
    "cache_folder",
    "check_split",
    "fetch",
    "from_arrays",
    "load",
    "located",
    "names",
    "paths",
    "read_idx",
]
