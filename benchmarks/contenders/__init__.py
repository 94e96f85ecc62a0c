"""Contenders: their labels, modules, required packages and supported cells."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field

from cells import COMPILED


def _anything(cell):
    return True


def _plain(cell):
    return len(cell.hidden) == 1 and cell.optimizer == "SGD" and not cell.extra


def _none(cell):
    return False


def _usual(cell):
    return cell.optimizer != "RMSprop" and not cell.extra


@dataclass(frozen=True)
class Contender:
    """Contender of the benchmarks.

    module: in this folder, with a class Tasks; variant: passed to Tasks. package: must be
    installed. trains: cell -> whether it takes part in this training cell; but: its limitation, in
    words. environment: environment variables of its process.
    """

    label: str
    module: str
    variant: str = ""
    package: str = "numpy"
    trains: Callable = _anything
    but: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def installed(self):
        return importlib.util.find_spec(self.package) is not None

    def tasks(self, threads):
        """Return the object that runs its tasks, for a process of its own."""
        return importlib.import_module(f"contenders.{self.module}").Tasks(threads, self.variant)


OURS, LAYERS, TORCH = "np_nn", "np_nn NumPy", "torch"
CHANNELS_LAST = "torch channels_last"  # for images with several channels
OURS_AVX2, TORCH_AVX2 = "np_nn, AVX2", "torch, AVX2"
OWN = "np_nn with the functions of NP_NN_USE"
AVX2 = {
    "NP_NN_ISA": "avx2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
}

CONTENDERS = {
    contender.label: contender
    for contender in (
        Contender(OURS, "ours", "auto"),
        Contender(LAYERS, "ours", "numpy"),
        Contender(
            "NumPy by hand", "by_hand", trains=_plain, but="one hidden layer and plain SGD only"
        ),
        Contender(TORCH, "pytorch", "eager", package="torch"),
        Contender(CHANNELS_LAST, "pytorch", "channels_last", package="torch", trains=_none),
        Contender(OWN, "ours", "own", trains=_none),
        Contender(OURS_AVX2, "ours", "auto", trains=_none, environment=AVX2),
        Contender(
            TORCH_AVX2, "pytorch", "eager", package="torch", trains=_none, environment=AVX2
        ),
        Contender(
            "torch.compile", "pytorch", "compile", "torch", COMPILED.__contains__,
            "compiled for a few cells only, as that is slow",
        ),
        Contender(
            "scikit-learn", "scikit", package="sklearn", trains=_usual,
            but="computes no accuracy of the batch, which is to its advantage",
        ),
        Contender("jax", "xla", package="jax", trains=_usual),
    )
}  # fmt: skip


def contender(label):
    """Return the contender of this label: one of CONTENDERS, or a built extension by its path."""
    return CONTENDERS.get(label) or Contender(label, "built", label)


NO_PEERS = OURS, LAYERS, OWN, OURS_AVX2, TORCH_AVX2
PEERS = tuple(label for label in CONTENDERS if label not in NO_PEERS)
