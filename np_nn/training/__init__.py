"""Training: ``fit``, the state of a run, its steps, inputs, callbacks and checkpoints."""

from np_nn.training.state import Training

__all__ = ["Training"]
