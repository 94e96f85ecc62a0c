"""Optimizers, learning-rate schedules, limits on gradients and weights, and the L2 penalty."""

from np_nn.optim.optimizers import *
from np_nn.optim.optimizers import OPTIMIZERS as OPTIMIZERS
from np_nn.optim.optimizers import __all__ as __all__
