"""np_nn: neural networks in NumPy, with optional compiled kernels and a PyTorch twin."""

from np_nn.data import DATASETS, Dataset, Split, load
from np_nn.errors import DataError, DivergedError, NpNNError
from np_nn.history import History
from np_nn.init import initialize, manual_seed
from np_nn.layers import Linear, ReLU
from np_nn.losses import CrossEntropyLoss
from np_nn.models import mlp
from np_nn.module import Module, Parameter, Sequential
from np_nn.ops import use
from np_nn.optim import SGD, Adam, AdamW
from np_nn.trainer import Evaluation, evaluate, fit, predict

__version__ = "0.1.0"

__all__ = [
    "DATASETS",
    "SGD",
    "Adam",
    "AdamW",
    "CrossEntropyLoss",
    "DataError",
    "Dataset",
    "DivergedError",
    "Evaluation",
    "History",
    "Linear",
    "Module",
    "NpNNError",
    "Parameter",
    "ReLU",
    "Sequential",
    "Split",
    "evaluate",
    "fit",
    "initialize",
    "load",
    "manual_seed",
    "mlp",
    "predict",
    "use",
]
