"""Forward passes, backward passes and updates as pure NumPy functions: the specification.

A compiled kernel has the same name and arguments as its function, and computes the
same numbers. Each function reads its inputs, writes into the arrays named ``out``
(or named after their content), and keeps no state. Writing into given arrays lets a
training step reuse its large arrays.

Shapes: N is the batch size, I and O are a layer's inputs and outputs, C is the
number of classes. Floating-point arrays are float32 in training; float64 works
too, and is what the gradient checks use.

If L is the loss, ``grad`` is the derivative of L with respect to the output of
the layer, and each ``*_backward`` function applies one step of the chain rule.
"""

from np_nn.reference.activations import *
from np_nn.reference.convolution import *
from np_nn.reference.gather import *
from np_nn.reference.linear import *
from np_nn.reference.losses import *
from np_nn.reference.mlp import *
from np_nn.reference.noise import *
from np_nn.reference.norm import *
from np_nn.reference.optimizers import *
from np_nn.reference.pooling import *
from np_nn.reference.residual import *
from np_nn.reference.sparse import *
from np_nn.reference.warp import *
