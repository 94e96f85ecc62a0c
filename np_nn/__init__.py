"""np_nn: neural networks in NumPy, with optional compiled kernels and a PyTorch twin."""

import importlib
import inspect
import typing

from np_nn.analysis.gradcheck import gradcheck as gradcheck
from np_nn.analysis.lr_range import LRRange as LRRange, find_lr as find_lr
from np_nn.analysis.observer import Observer as Observer
from np_nn.analysis.summary import summary as summary
from np_nn.analysis.trace import trace as trace
from np_nn.data import DATASETS as DATASETS, Dataset as Dataset, Split as Split
from np_nn.data import from_arrays as from_arrays, load as load
from np_nn.data.augmentation import Affine as Affine, Compose as Compose
from np_nn.data.augmentation import Elastic as Elastic, Shift as Shift
from np_nn.data.preprocess import deskew as deskew, standardization as standardization
from np_nn.data.samples import read_images as read_images
from np_nn.data.stored.store import store as store
from np_nn.layers import *
from np_nn.layers.initializers import initialize as initialize
from np_nn.layers.module import Buffer as Buffer, Module as Module
from np_nn.layers.module import Parameter as Parameter, Sequential as Sequential
from np_nn.losses import *
from np_nn.models import *
from np_nn.ops import use as use
from np_nn.optim.limits import Limits as Limits, clip_grad_norm_ as clip_grad_norm_
from np_nn.optim.limits import clip_grad_value_ as clip_grad_value_, max_norm_ as max_norm_
from np_nn.optim.optimizers import *
from np_nn.optim.schedules import *
from np_nn.saving.c_code import export_c as export_c
from np_nn.saving.loggers import JSONLogger as JSONLogger, TensorBoard as TensorBoard
from np_nn.saving.model_file import load_model as load_model, save_model as save_model
from np_nn.saving.model_info import ModelInfo as ModelInfo
from np_nn.saving.onnx import export_onnx as export_onnx
from np_nn.saving.weights import load_weights as load_weights, save_weights as save_weights
from np_nn.training.callbacks import Callback as Callback
from np_nn.training.checkpoint import Checkpoint as Checkpoint, load_checkpoint as load_checkpoint
from np_nn.training.early_stopping import EarlyStopping as EarlyStopping
from np_nn.training.fit import evaluate as evaluate, fit as fit, predict as predict
from np_nn.training.history import Evaluation as Evaluation, History as History
from np_nn.utils.arguments import check_arguments as _check_arguments
from np_nn.utils.errors import DataError as DataError, DivergedError as DivergedError
from np_nn.utils.errors import NpNNError as NpNNError
from np_nn.utils.seeds import manual_seed as manual_seed

__version__ = "0.1.0"

if typing.TYPE_CHECKING:  # a type checker reads `import X as X` as public
    from np_nn.estimators import MLPClassifier as MLPClassifier, MLPRegressor as MLPRegressor
    from np_nn.team import Team as Team
else:
    # Names imported on first use: scikit-learn takes a second to import, and MPI must be there.
    _ON_USE = {
        "MLPClassifier": "np_nn.estimators", "MLPRegressor": "np_nn.estimators",
        "Team": "np_nn.team",
    }  # fmt: skip
    _FOUND = {name: value for name, value in vars().items() if not inspect.ismodule(value)}
    for _name, _value in _FOUND.items():  # functions of np_nn call each other without the check
        if callable(_value) and not _name.startswith("_") and _value is not Evaluation:  # NaN fits
            globals()[_name] = _check_arguments(_value)
    __all__ = sorted({*_ON_USE, *(name for name in _FOUND if not name.startswith("_"))})

    def __getattr__(name):
        """Import a name of _ON_USE."""
        if name in _ON_USE:
            return getattr(importlib.import_module(_ON_USE[name]), name)
        raise AttributeError(f"module 'np_nn' has no attribute {name!r}")

    def __dir__():
        """Return the public names, without the modules in which they are defined."""
        return [*__all__, *(name for name in globals() if name.startswith("__"))]
