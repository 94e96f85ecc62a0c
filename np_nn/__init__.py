"""np_nn: neural networks in NumPy, with optional compiled kernels and a PyTorch twin."""

from np_nn.analysis.gradcheck import gradcheck
from np_nn.analysis.lr_range import LRRange, find_lr
from np_nn.analysis.observer import Observer
from np_nn.analysis.summary import summary
from np_nn.analysis.trace import trace
from np_nn.data import DATASETS, Dataset, Split, from_arrays, load
from np_nn.data.augmentation import Affine, Compose, Elastic, Shift
from np_nn.data.preprocess import deskew, standardization
from np_nn.data.samples import read_images
from np_nn.layers import *
from np_nn.layers.initializers import initialize
from np_nn.layers.module import Buffer, Module, Parameter, Sequential
from np_nn.losses import *
from np_nn.models import *
from np_nn.ops import use
from np_nn.optim import *
from np_nn.optim.limits import Limits, clip_grad_norm_, clip_grad_value_, max_norm_
from np_nn.optim.schedules import *
from np_nn.saving.c_code import export_c
from np_nn.saving.loggers import JSONLogger, TensorBoard
from np_nn.saving.model_file import load_model, save_model
from np_nn.saving.model_info import ModelInfo
from np_nn.saving.onnx import export_onnx
from np_nn.saving.weights import load_weights, save_weights
from np_nn.training.callbacks import Callback
from np_nn.training.checkpoint import Checkpoint, load_checkpoint
from np_nn.training.early_stopping import EarlyStopping
from np_nn.training.fit import evaluate, fit, predict
from np_nn.training.history import Evaluation, History
from np_nn.utils.errors import DataError, DivergedError, NpNNError
from np_nn.utils.exports import exported as _exported
from np_nn.utils.seeds import manual_seed

__version__ = "0.1.0"

_ESTIMATORS = ("MLPClassifier", "MLPRegressor")


def __getattr__(name):
    """Import the estimators on first use, as scikit-learn takes a second to import."""
    if name in _ESTIMATORS:
        from np_nn import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'np_nn' has no attribute {name!r}")


__all__ = sorted([*_exported(vars()), *_ESTIMATORS])
