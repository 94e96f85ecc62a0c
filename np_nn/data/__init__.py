"""Data sets: MNIST and its successors, and the digits that scikit-learn ships.

The call load (loading.py) takes a name or a path. A name's files (known.py) are located, downloaded
if missing (download.py), verified (verify.py, sources.py) and parsed (idx.py). A path is read by
its format (formats/), and becomes a Dataset (own.py). A stored set (stored/) stays on disk.

Files lie as in torchvision, `<root>/MNIST/raw/train-images-idx3-ubyte`, packed with gzip (`.gz`) or
not. A file is used only if its size, header and SHA-256 are right; a damaged one is reported,
neither skipped nor overwritten. Bad data raises DataError and no other exception.
"""

from np_nn.data.dataset import Dataset, paths
from np_nn.data.download import fetch
from np_nn.data.idx import read_idx
from np_nn.data.known import absolute_folders, cache_folder, located
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
    "absolute_folders",
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
