"""Types of the public signatures."""

import os
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike as ArrayLike
    from numpy.typing import DTypeLike as DTypeLike
    from typing_extensions import Self as Self
else:  # NumPy's two fill a page of help(), and Self is not in Python 3.10
    ArrayLike = DTypeLike = Self = Any

Array = np.ndarray
Shape = tuple[int, ...]
Size = int | tuple[int, int]  # one number for both directions, or (rows, columns)
PathLike = str | os.PathLike[str]
Reduction = Literal["mean", "sum"]
Feed = Literal["auto", "dense", "sparse"]  # how images reach the first layer
Kernels = Literal["auto", "numpy", "compiled"]
