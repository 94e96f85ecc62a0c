"""Addition of a residual block and its shortcut: x, skip and out have one shape.

Source: He et al. 2016, Deep residual learning for image recognition.
"""

import numpy as np

from np_nn.reference.activations import relu_forward


def add(x, skip, out):
    """Compute out = x + skip."""
    return np.add(x, skip, out=out)


def add_relu(x, skip, out):
    """Compute out = max(x + skip, 0)."""
    return relu_forward(add(x, skip, out), out)
