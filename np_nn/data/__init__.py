"""Data sets: MNIST and its successors, and the digits that scikit-learn ships.

The way of one call: load (dataset.py) looks into the folders, fetches what is missing
(download.py), proves each file (verify.py, sources.py) and parses it (idx.py).

Files lie as torchvision has them, `<root>/MNIST/raw/train-images-idx3-ubyte`, packed with gzip
(`.gz`) or not. Nothing is trusted before size, header and SHA-256 are right; what is damaged is
reported, and neither skipped nor overwritten. Bad data leaves here as DataError and nothing else.
"""

from np_nn.data.dataset import Dataset, cache_folder, load, located, paths
from np_nn.data.download import fetch
from np_nn.data.idx import read_idx
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
    "load",
    "located",
    "names",
    "paths",
    "read_idx",
]
