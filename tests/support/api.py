"""Walk over the public API: for each callable a call that works, and its arguments by kind.

A kind has values that must work and values that must end in an NpNNError of one line; arguments of
one kind share them.
"""

import itertools
import math
import os
from dataclasses import dataclass

import numpy as np

import np_nn as nn
from np_nn.data.preparation import Preparation

STRANGE = ("x", [0.5], {}, object(), math.nan, math.inf, -math.inf)
HUGE = 10**400  # beyond every float, and every array


@dataclass(frozen=True)
class Kind:
    """Values of one kind of argument. good: must work. bad: must end in an NpNNError."""

    good: tuple
    bad: tuple = ()

    def __or__(self, more):
        """Return the kind with a further good value, which is then not a bad one."""
        return Kind((*self.good, more), tuple(b for b in self.bad if b is not more))


def whole(*good, bad=(0, -1, HUGE)):
    """Whole numbers: floats are refused, even those without a fraction."""
    other = (None, True, np.bool_(True), float(good[0]), np.float32(good[0]))
    return Kind((*good, np.int64(good[0]), np.uint8(good[0] % 256)), (*STRANGE, *other, *bad))


def real(*good, bad=(-1, -0.5)):
    """Finite numbers."""
    other = (None, True, np.bool_(True), np.float32("nan"), HUGE)
    return Kind((*good, np.float32(good[0]), np.float64(good[0])), (*STRANGE, *other, *bad))


def name(*good):
    """Names out of a registry."""
    return Kind(good, ("sprase", "", 1, 0.5, True, [good[0]], {}, math.nan))


def a(*good, bad=()):
    """Objects of a class; bad: what is easily taken for one."""
    return Kind(good, ("x", 0.5, 3, object(), {}, [object()], math.nan, *bad))


def listed(*good, bad=()):
    """Sequences."""
    return Kind(good, ("x", 0.5, 3, True, object(), [object()], [None], *bad))


FLAG = Kind((True, False, np.bool_(True)), ("no", "True", None, 1, 0, 0.5, [True], math.nan))
AMOUNT = real(0.5, 0, 1)
POSITIVE = real(0.5, 1, bad=(0, -1))
SHARE = real(0.5, 0, bad=(-0.1, 1.5))
FINITE = real(0.5, 0, -1, bad=())
SIZE = whole(2, 1)
COUNT = whole(2, 1)
SEED = whole(3, 0, 2**100, bad=(-1, -(2**70)))
ANY = Kind((0.5,))  # not checked here
TEXT = Kind(("x", ""), (3, None, ["x"], math.nan))
NONE = None

X, Y = np.random.default_rng(0).random((12, 4), np.float32), np.arange(12) % 3
PAIR = (X, Y)
DIGITS = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)
ARRAY = Kind((X, X.tolist(), X.astype(">f8")), ("x", None, object(), [[1], [2, 3]], {}, 0.5))
NUMBERS = Kind((*ARRAY.good, 0.5), ARRAY.bad[:-1])
LABELS = Kind((Y, Y.tolist(), Y.astype(np.uint8)), (None, object(), [[1], [2, 3]], 0.5, "x"))
IMAGES = Kind((DIGITS,), ("x", None, object(), 0.5, X, DIGITS.astype(float), DIGITS.tolist()))


def model():
    return nn.Sequential(nn.Linear(4, 3))


def sgd(model):
    return nn.SGD(model.parameters(), lr=0.1)


class Frame:
    """Stands for frames and tensors: an object with __array__ and a shape."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def __len__(self):
        return len(self.array)

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype)


class Fresh(os.PathLike):
    """Path of a new file at each use."""

    def __init__(self, folder):
        self.folder, self.names = folder, itertools.count()

    def __fspath__(self):
        return str(self.folder / str(next(self.names)))


class Hook(nn.Callback):
    """A callback of the user's own."""


DATASET = nn.from_arrays(X, Y)
IMAGESET = nn.from_arrays(DIGITS, [0, 1, 0, 1, 0, 1])
MODULE = a(model(), bad=(nn.ReLU, None, [model()]))
LAYER = a(nn.ReLU(), bad=(nn.ReLU, None, [nn.ReLU()]))
LOSS = a(nn.CrossEntropyLoss(), bad=(nn.CrossEntropyLoss, nn.MSELoss(), None))
SPLIT = a(nn.Split(X, Y), PAIR, (X.tolist(), Y.tolist()), (Frame(X), Frame(Y)),
          bad=(DATASET, None, X, X[:2], (X, Y, Y), (X, Y[:5]), (X, None)))  # fmt: skip
PARAMETERS = Kind(
    (model().parameters(), tuple(model().parameters()), iter(model().parameters())),
    ("x", None, 3, model(), model().named_parameters(), [X], nn.Linear, nn.ReLU()),
)
ACTIVATION, OUTPUT = name("relu", "leaky_relu:negative_slope=0.2"), name("none", "softmax")
REDUCTION, INPUT = name("mean", "sum"), name("auto", "dense")
WEIGHT = Kind(
    ([1, 2, 3], np.ones(3), None),
    ("x", 3, [[1, 2, 3]], [0, 0, 0], [1, -1, 1], [1, math.nan, 1], {}),
)
PAIRS = Kind((2, np.int64(2), (2, 1), [1, 2]), (*STRANGE, 2.0, True, 0, -1, (1, 2, 3), (1, 0)))
NOPADS = Kind((0, 1, np.int64(1), (0, 1)), (*STRANGE, 1.0, True, None, -1, (1,), (1, -1)))
SIZES = listed(
    (4, 3), [4, np.int64(5), 3], np.array([4, 3]), bad=((4, 0), (4, 2.5), None, (), (4,))
)
HIDDEN = listed((5,), [5, 4], (), bad=((0,), (2.5,), None))
IMAGE = listed((1, 28, 28), [1, 28, 28], bad=((1, 28), (1, 2, 2), (1.5, 28, 28), None))
OPTIMIZER = {"parameters": PARAMETERS, "lr": AMOUNT, "weight_decay": AMOUNT, "eps": AMOUNT}
NETWORK = {
    "image": IMAGE, "classes": SIZE, "activation": ACTIVATION, "bias": FLAG, "output": OUTPUT,
}  # fmt: skip
SMALL = {"channels": (2, 3), "hidden": (4,)}
POOLING = {"kernel_size": PAIRS, "stride": PAIRS | NONE, "padding": NOPADS}
FILE = Kind((), (3, None, 0.5, ["x"], True, "", "x\0y"))
ESTIMATOR = """hidden_layer_sizes activation solver alpha batch_size learning_rate
    learning_rate_init power_t max_iter shuffle random_state tol verbose warm_start momentum
    nesterovs_momentum
    early_stopping validation_fraction beta_1 beta_2 epsilon n_iter_no_change max_fun dropout
    callbacks"""
MLP = dict.fromkeys(ESTIMATOR.split(), ANY)  # scikit-learn's rules: see tests/estimators


WITHOUT = {("fit", "steps"): {"epochs": None}}  # what a call leaves out beside an argument


def rows(folder):
    """Return {name in nn: (arguments of a call that works, {argument: Kind})}."""
    saved, checkpoint = folder / "model.safetensors", folder / "run.ckpt"
    trained, info = model(), nn.ModelInfo(preparation=Preparation(shape=(4,)))
    nn.save_model(trained, saved)
    nn.fit(trained, PAIR, nn.CrossEntropyLoss(), sgd(trained), epochs=1, batch_size=4, quiet=True,
           callbacks=[nn.Checkpoint(checkpoint)])  # fmt: skip
    there = Kind((saved, str(saved)), (*FILE.bad, "missing/x.safetensors", __file__))
    written = FILE | folder / "new.safetensors"
    parameters = {"parameters": trained.parameters()}
    fit = {"model": trained, "data": PAIR, "loss": nn.CrossEntropyLoss(),
           "optimizer": sgd(trained)}  # fmt: skip
    training = {"model": a(trained, bad=(nn.ReLU, None, [trained], model())), "data": SPLIT,
                "loss": LOSS, "optimizer": a(sgd(trained), bad=(nn.SGD, "sgd", None))}  # fmt: skip
    scheduled = dict.fromkeys(("gamma", "eta_min"), AMOUNT)
    return {
        "Adadelta": (parameters, OPTIMIZER | {"rho": SHARE}),
        "Adagrad": (parameters, OPTIMIZER
                    | {"lr_decay": AMOUNT, "initial_accumulator_value": AMOUNT}),
        "Adam": (parameters, OPTIMIZER | {
            "betas": listed((0.9, 0.99), [0.5, np.float32(0.5)],
                            bad=((0.9,), (0.9, 1.0), (0.9, -1), (0.9, math.nan), 0.9, None)),
            "eps_hat": FLAG}),
        "AdamW": (parameters, OPTIMIZER | {"betas": listed((0.9, 0.99), bad=((0.9, 1), None))}),
        "AdaptiveAvgPool2d": ({"output_size": 2}, {"output_size": PAIRS}),
        "Affine": ({}, {"rotate": AMOUNT, "scale": SHARE, "shear": real(5, bad=(90, -1)),
                        "shift": AMOUNT}),
        "AvgPool2d": ({"kernel_size": 2}, POOLING),
        "BCELoss": ({}, {"reduction": REDUCTION}),
        "BCEWithLogitsLoss": ({}, {"reduction": REDUCTION}),
        "BatchNorm1d": ({"num_features": 3}, {"num_features": SIZE, "eps": AMOUNT,
                                              "momentum": SHARE | NONE, "affine": FLAG}),
        "BatchNorm2d": ({"num_features": 3}, {"num_features": SIZE, "eps": AMOUNT,
                                              "momentum": SHARE | NONE, "affine": FLAG}),
        "Buffer": ({"data": X}, {"data": NUMBERS}),
        "Checkpoint": ({"path": folder / "c.ckpt"}, {
            "path": FILE | folder / "c.ckpt", "every": COUNT | NONE, "keep": COUNT,
            "recipe": Kind(({"a": 1}, None), ("x", 3, [1]))}),
        "Compose": ({}, {"parts": listed((), [nn.Shift()], [nn.Affine(), nn.Elastic()],
                                         bad=([nn.Shift], nn.Shift(), [nn.Elastic()] * 2, None))}),
        "Conv2d": ({"in_channels": 1, "out_channels": 2, "kernel_size": 3}, {
            "in_channels": SIZE, "out_channels": SIZE, "kernel_size": PAIRS, "stride": PAIRS,
            "padding": NOPADS, "bias": FLAG}),
        "ConstantLR": ({}, {}),
        "CosineAnnealingLR": ({}, scheduled | {"T_max": POSITIVE | NONE}),
        "CosineAnnealingWarmRestarts": ({}, scheduled
                                        | {"T_0": POSITIVE, "T_mult": real(2, bad=(0.5, -1))}),
        "CrossEntropyLoss": ({}, {"weight": WEIGHT, "label_smoothing": SHARE,
                                  "reduction": REDUCTION}),
        "CyclicLR": ({}, {"base": AMOUNT, "step_size_up": POSITIVE,
                          "mode": name("triangular", "triangular2")}),
        "Dataset": ({"name": "own", "train": DATASET.train, "test": DATASET.test,
                     "classes": ("a", "b", "c")}, {
            "name": TEXT, "train": a(DATASET.train, bad=(None, X)), "note": TEXT, "reason": TEXT,
            "test": a(DATASET.test, bad=(None, X)), "validation": a(DATASET.test, None),
            "classes": listed(("a", "b", "c"), ["a", "b", "c"]), "prepare_seconds": FINITE,
            "root": FILE | None | folder, "remarks": listed(("a",), ()), "files": listed((folder,)),
            "preparation": a(None, Preparation())}),
        "Dropout": ({}, {"p": real(0.5, 0, bad=(1, -0.1))}),
        "Dropout2d": ({}, {"p": real(0.5, 0, bad=(1, -0.1))}),
        "ELU": ({}, {"alpha": FINITE}),
        "EarlyStopping": ({}, {"patience": whole(2, 1, 2**50), "min_delta": AMOUNT,
                               "monitor": name("loss", "accuracy")}),
        "Elastic": ({}, {"alpha": AMOUNT, "sigma": real(4, 0.5, bad=(0.4, 0, -1))}),
        "Evaluation": ({"accuracy": 0.5, "loss": 1.0}, {
            "accuracy": ANY, "loss": ANY, "outputs": ANY}),
        "ExponentialLR": ({}, scheduled | {"period": POSITIVE}),
        "FocalLoss": ({}, {"weight": WEIGHT, "gamma": AMOUNT, "reduction": REDUCTION}),
        "GaussianNoise": ({}, {"std": AMOUNT}),
        "History": ({"steps": 3}, {"steps": whole(3, 0, bad=(-1, HUGE)), "classes": FLAG,
                                   "sizes": ANY}),
        "JSONLogger": ({"path": folder / "log"}, {"path": Kind((folder / "log",), FILE.bad[:5])}),
        "LRRange": ({"rates": X, "losses": X, "smoothed": X}, {
            "rates": ANY, "losses": ANY, "smoothed": ANY}),
        "LayerNorm": ({"normalized_shape": 3}, {
            "normalized_shape": SIZE, "eps": AMOUNT, "elementwise_affine": FLAG}),
        "LeakyReLU": ({}, {"negative_slope": FINITE}),
        "Limits": ({}, dict.fromkeys(("clip_norm", "clip_value", "max_norm"), POSITIVE | NONE)),
        "Linear": ({"in_features": 4, "out_features": 3}, {
            "in_features": SIZE, "out_features": SIZE, "bias": FLAG}),
        "LogSoftmax": ({}, {"dim": whole(1, -1, bad=(0, 2))}),
        "MLPClassifier": ({}, MLP | {"class_weight": ANY}),
        "MLPRegressor": ({}, MLP | {"loss": ANY}),
        "MSELoss": ({}, {"reduction": REDUCTION}),
        "MaxPool2d": ({"kernel_size": 2}, POOLING),
        "ModelInfo": ({}, {
            "classes": listed(("a", "b"), ["a"]), "preparation": a(Preparation(), bad=(None,)),
            "dataset": TEXT, "recipe": Kind(({}, {"lr": 1}), ("x", None, 3)),
            "versions": Kind(({},), ("x", None, 3))}),
        "NLLLoss": ({}, {"weight": WEIGHT, "reduction": REDUCTION}),
        "Neuron": ({"in_features": 3}, {"in_features": SIZE, "activation": name("relu", "tanh")}),
        "Observer": ({"data": PAIR}, {
            "data": SPLIT, "loss": a(None, nn.MSELoss(), bad=(nn.MSELoss,)), "every": COUNT,
            "images": COUNT}),
        "OneCycleLR": ({}, {"pct_start": real(0.3, 0, bad=(1, -1)), "div_factor": POSITIVE,
                            "anneal_strategy": name("cos", "linear"),
                            "final_div_factor": POSITIVE}),
        "Optimizer": (parameters, {"parameters": PARAMETERS}),
        "Parameter": ({"data": X}, {"data": NUMBERS, "transposed": FLAG}),
        "Perceptron": ({"inputs": 3}, {"inputs": SIZE, "lr": POSITIVE}),
        "RMSprop": (parameters, OPTIMIZER | {"alpha": SHARE, "momentum": AMOUNT,
                                             "centered": FLAG}),
        "Residual": ({"block": model()}, {"block": LAYER, "shortcut": LAYER | NONE}),
        "SGD": (parameters | {"momentum": 0.9}, {
            name: kind for name, kind in OPTIMIZER.items() if name != "eps"
        } | {"momentum": AMOUNT, "nesterov": FLAG}),
        "Sequential": ({}, {"layers": LAYER}),
        "Shift": ({}, {"pixels": whole(2, 0, bad=(-1,))}),
        "Softmax": ({}, {"dim": whole(1, -1, bad=(0, 2))}),
        "Split": ({"images": X, "labels": Y}, {"images": ARRAY, "labels": LABELS,
                                               "scale": FINITE | NONE, "shift": FINITE}),
        "StepLR": ({}, scheduled | {"step_size": Kind(POSITIVE.good, (
            *POSITIVE.bad, np.int64(-2)))}),
        "Team": ({"shards": 2}, {"shards": whole(3, 1)}),
        "TensorBoard": ({"folder": folder / "board"}, {
            "folder": Kind((folder / "board",), FILE.bad[:5])}),
        "WarmupLinear": ({}, {"warmup": real(0.5, bad=(0, 1, -1))}),
        "clip_grad_norm_": (parameters | {"max_norm": 1}, {"parameters": PARAMETERS,
                                                           "max_norm": POSITIVE}),
        "clip_grad_value_": (parameters | {"clip_value": 1}, {"parameters": PARAMETERS,
                                                              "clip_value": POSITIVE}),
        "convnet": (SMALL, NETWORK | {"channels": listed((2, 3), bad=((2,), (2, 0), None)),
                                   "hidden": HIDDEN, "dropout": SHARE}),
        "deskew": ({"images": DIGITS}, {"images": IMAGES}),
        "evaluate": ({"model": trained, "data": PAIR}, {
            "model": MODULE, "data": SPLIT, "loss": LOSS | NONE, "input": INPUT, "keep": FLAG}),
        "export_c": ({"model": trained, "path": folder / "net.c", "info": info}, {
            "model": MODULE, "path": FILE | folder / "net.c", "int8": Kind((False,), FLAG.bad),
            "info": a(info, bad=(None, nn.ModelInfo()))}),
        "export_onnx": ({"model": trained, "path": folder / "net.onnx", "input_shape": (4,)}, {
            "model": MODULE, "path": FILE | folder / "net.onnx",
            "input_shape": listed((4,), [4], bad=((0,), (3,), (2.5,), None)),
            "metadata": Kind(({"a": "b"}, None), ("x", 3, [1]))}),
        "find_lr": (fit | {"batch_size": 4, "steps": 3}, training | {
            "low": real(1e-3, bad=(0, -1, 10)), "high": real(1.0, bad=(0, -1, 1e-9)),
            "steps": whole(3, 2, bad=(1, 0, -1)), "seed": SEED}),
        "fit": (fit | {"epochs": 1, "batch_size": 4, "quiet": True}, training | {
            "steps": COUNT, "epochs": COUNT, "batch_size": whole(4, 1, bad=(
                0, -1, 13)), "replacement": FLAG, "l2": AMOUNT, "input": INPUT,
            "order": a(None, lambda: np.arange(12), bad=(lambda: "x", lambda: [1])),
            "schedule": a(None, nn.StepLR(), bad=(nn.StepLR, lambda step, steps: "x")),
            "augment": a(None, bad=(lambda images, rng: "x", nn.Affine())),
            "limits": a(None, nn.Limits(1.0), bad=(nn.Limits,)),
            "validation": Kind((None, *SPLIT.good), (0.1, DATASET, X, "x", (X, Y + 5))),
            "early_stopping": a(None, bad=(nn.EarlyStopping, nn.EarlyStopping(), True)),
            "callbacks": listed([Hook()], (), (Hook(),), bad=(Hook(), Hook, [Hook], None)),
            "team": a(None, nn.Team(2), bad=(nn.Team,)),
            "resume": FILE | None, "seed": SEED | NONE, "quiet": Kind((True,), FLAG.bad)}),
        "from_arrays": ({"x": X, "y": Y}, {
            "x": ARRAY, "y": LABELS, "test": a(None, PAIR, bad=((X,), (X, Y, Y), X)),
            "classes": Kind((None, ["a", "b", "c"], iter("abc")), (3, 0.5, object())),
            "name": TEXT, "scale": FINITE, "seed": SEED}),
        "gradcheck": ({"subject": model(), "x": X.astype(float)}, {
            "subject": a(model(), bad=(nn.ReLU, None, [model()])),
            "x": Kind((X, X.tolist()), ("x", None, object(), [[1], [2, 3]], {}, Y)),
            "targets": ANY, "step": POSITIVE, "tolerance": POSITIVE, "seed": SEED}),
        "initialize": ({"model": model(), "name": "zeros", "seed": 0}, {
            "model": MODULE, "name": name("zeros", "orthogonal"), "seed": SEED}),
        "lenet": (SMALL, NETWORK | {"channels": listed((2, 3), bad=((2,), (2, 0), None)),
                                 "hidden": HIDDEN, "dropout": SHARE}),
        "lenet5": (SMALL, NETWORK | {"channels": listed((2, 3), bad=((2,), (2, 0), None)),
                                  "hidden": HIDDEN, "dropout": SHARE}),
        "load": ({"name": "digits", "quiet": True}, {
            "name": Kind(("digits",), ("mnsit", "", 3, None, ["digits"], math.nan)),
            "data_dir": Kind((None, folder), (3, 0.5, [folder])), "scale": FINITE,
            "download": Kind((None, False), FLAG.bad[:2]), "quiet": Kind((True,), FLAG.bad),
            "label": Kind((None,), (3, 0.5, ["x"])), "seed": SEED,
            "skip_unreadable": Kind((False,), FLAG.bad),
            "image_size": Kind((None,), ("x", 0, -1, (0, 1), (1, 2, 3), 2.5, math.nan, [])),
            "preparation": a(None, bad=(Preparation,))}),
        "load_checkpoint": ({"path": checkpoint}, {"path": FILE | checkpoint | str(checkpoint)}),
        "load_model": ({"path": saved}, {"path": there}),
        "load_weights": ({"model": model(), "path": saved}, {"model": MODULE, "path": there}),
        "manual_seed": ({"seed": 0}, {"seed": SEED}),
        "max_norm_": (parameters | {"limit": 1}, {"parameters": PARAMETERS, "limit": POSITIVE}),
        "mlp": ({"sizes": (4, 5, 3)}, {
            "sizes": SIZES, "activation": ACTIVATION, "bias": FLAG, "norm": name("none", "batch"),
            "noise": AMOUNT, "input_noise": AMOUNT, "dropout": real(0.5, 0, bad=(1, -1)),
            "input_dropout": real(0.5, 0, bad=(1, -1)), "residual": FLAG, "output": OUTPUT}),
        "one_hot": ({"labels": Y, "classes": 3}, {
            "labels": Kind((Y, Y.tolist()), ("x", None, object(), X, [[1], [2, 3]], Y + 5, 0.5)),
            "classes": whole(3, 4, bad=(0, 2, -1)), "low": real(0.1, -1, bad=(1, 2)),
            "high": real(0.9, 2, bad=(0, -1))}),
        "predict": ({"model": trained, "data": PAIR}, {
            "model": MODULE, "input": INPUT,
            "data": Kind((*SPLIT.good, X, X.tolist(), Frame(X)), (
                DATASET, None, "x", 0.5, object(), X[0], [[1], [2, 3]], (X, Y, Y), X[:0]))}),
        "read_images": ({"paths": [], "preparation": Preparation()}, {
            "paths": Kind(([],), (3, None, 0.5, [3], "missing.png", ["missing.png"])),
            "preparation": a(Preparation(), bad=(Preparation, None))}),
        "residual_mlp": ({"inputs": 4}, {
            "inputs": SIZE, "classes": SIZE, "activation": ACTIVATION, "bias": FLAG,
            "output": OUTPUT}),
        "resnet": ({"channels": (2,)}, NETWORK | {
            "channels": listed((2, 3), [2], bad=((), (0,), (2.5,), None)),
            "image": listed((1, 28, 28), (3, 8, 8), bad=((1, 28), (), (1.5, 28, 28), None))}),
        "save_model": ({"model": trained, "path": folder / "new.safetensors"}, {
            "model": MODULE, "path": written,
            "info": a(None, nn.ModelInfo(), bad=(nn.ModelInfo,))}),
        "save_weights": ({"model": trained, "path": folder / "new.safetensors"}, {
            "model": MODULE, "path": written}),
        "simard": (SMALL, NETWORK | {"channels": listed((2, 3), bad=((2,), (2, 0), None)),
                                  "hidden": HIDDEN, "dropout": SHARE}),
        "standardization": ({"images": DIGITS}, {
            "images": Kind((DIGITS,), ("x", X, None, object(), [[1], [2, 3]]))}),
        "store": ({"source": IMAGESET, "folder": Fresh(folder / "stored"), "distort": 1}, {
            "source": a(IMAGESET, bad=(None, X, PAIR, [PAIR], iter([PAIR]), DATASET)),
            "folder": FILE | Fresh(folder / "stored"), "test": a(None, bad=(X, PAIR)),
            "classes": Kind((None,), (3, 0.5, ["a", "b"])), "distort": whole(2, 0, bad=(-1, HUGE)),
            "augment": a(None, nn.Shift(), bad=(lambda images, rng: "x",)),
            "seed": SEED, "jobs": whole(1, bad=(0, -1, HUGE)), "quiet": Kind((True,), FLAG.bad)}),
        "summary": ({"model": trained}, {
            "model": MODULE, "input_shape": listed((4,), [4], None, bad=((0,), (3,), (2.5,)))}),
        "trace": ({"model": trained, "x": X[0], "target": 1, "loss": nn.CrossEntropyLoss()}, {
            "model": MODULE, "x": Kind((X[0], X[0].tolist()), ("x", None, X, 0.5, object())),
            "target": Kind((1, np.int64(2)), ("x", None, 3, -1, 0.5, [1, 2])), "loss": LOSS}),
        "use": ({"kernels": "auto"}, {"kernels": Kind(
            ("auto", "numpy", {}, {"add": None}, {"add": lambda x, skip, out: x}), (
                "sprase", "", 1, 0.5, True, None, ["auto"], math.nan, {"ad": None}, {3: None},
                {"add": 3}, {"add": lambda x, out: x}, math, nn))}),
    }  # fmt: skip
