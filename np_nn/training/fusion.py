"""Fusion of adjacent layers into one, for training, and folding of BatchNorm, for inference.

A fused stage is computed by one compiled kernel, which never writes the arrays between its layers,
such as the large one between convolution and pooling. Folding merges a Conv2d or Linear and the
BatchNorm behind it, which in inference multiplies and adds constants.
"""

import copy

from np_nn import ops
from np_nn.layers import BatchNorm1d, BatchNorm2d, Conv2d, Linear, MaxPool2d, ReLU, Residual
from np_nn.layers.module import Module, Parameter, Sequential

# The operations of the stages
CONV = "conv_relu_pool_forward", "conv_relu_pool_backward"
NORM = "batch_norm_relu_forward", "batch_norm_relu_backward"
STAGES = (*CONV, *NORM, "add_relu")


def fuse(model):
    """Return the model with fusible runs of layers as stages; Parameters and Buffers are shared.

    Runs are Conv2d, ReLU and Conv2d, ReLU, MaxPool2d, with stride 1 and square, adjacent pooling
    windows; BatchNorm1d or BatchNorm2d, ReLU; and Residual, ReLU; in a Sequential or a Residual at
    any depth. Returns the model itself if there are none whose operations are ``ops.fast``.
    """
    return rewrite(model, _run)


def rewrite(model, find):
    """Return the model with runs of layers replaced, or the model itself if there are none.

    find: function (layers) -> (make, count), where make(*layers[:count]) replaces a run, or
    (None, 1) if the layers begin with none; called for each Sequential and Residual, at any depth.
    """
    if type(model) is Residual:
        parts = list(model.children().values())
        made = [rewrite(part, find) for part in parts]
        return model if _same(made, parts) else Residual(*made)
    if type(model) is not Sequential:
        return model
    made, rest = [], list(model)
    while rest:
        make, count = find(rest)
        run, rest = rest[:count], rest[count:]
        made.append(make(*run) if make else rewrite(*run, find))
    return model if _same(made, list(model)) else Sequential(*made)


def _same(made, layers):
    return list(map(id, made)) == list(map(id, layers))


def _run(layers):
    """Return (stage, number of layers it replaces); (None, 1) if the layers begin with no run."""
    first, relu, pool = (*layers[:3], None, None)[:3]
    if type(relu) is not ReLU:
        return None, 1
    if type(first) in (BatchNorm1d, BatchNorm2d) and ops.fast(*NORM):
        return NormRelu, 2
    if type(first) is Residual and ops.fast("add_relu"):
        return _residual_relu, 2
    if type(first) is Conv2d and first.stride == (1, 1) and ops.fast(*CONV):
        return ConvReluPool, 3 if type(pool) is MaxPool2d and _side_by_side(pool) else 2
    return None, 1


def _residual_relu(residual, relu):
    return ResidualRelu(rewrite(residual, _run), relu)


def _side_by_side(pool):
    """Return whether the windows are squares without gaps, overlaps or padding."""
    kernel, stride, padding = pool.geometry
    return kernel == stride == (kernel[0],) * 2 and padding == (0, 0)


class NormRelu(Module):
    """BatchNorm1d or BatchNorm2d and ReLU: the same results, in one operation in training.

    norm, relu: the layers it replaces; statistics and gradients go to norm's.
    """

    def __init__(self, norm, relu):
        super().__init__()
        self.norm, self.relu, self.takes = norm, relu, norm.takes

    def __repr__(self):
        return f"NormRelu({self.norm}, {self.relu})"

    def forward(self, x):
        self.ctx.out = None
        if not self.norm.training:
            return self.relu.forward(self.norm.forward(x))
        self.ctx.out = self.norm.train_forward(ops.batch_norm_relu_forward, x)
        return self.ctx.out

    def backward(self, grad, input_grad=True):
        if self.ctx.out is None:
            return self.norm.backward(self.relu.backward(grad))
        return self.norm.train_backward(ops.batch_norm_relu_backward, grad, self.ctx.out)


class ResidualRelu(Module):
    """Residual and ReLU: the same results, without an array for the sum between them.

    residual, relu: the layers it replaces.
    """

    def __init__(self, residual, relu):
        super().__init__()
        self.residual, self.relu = residual, relu

    def __repr__(self):
        return f"ResidualRelu({self.residual}, {self.relu})"

    def forward(self, x):
        self.ctx.out = self.residual.combine(ops.add_relu, x, not self.relu.training)
        return self.ctx.out

    def backward(self, grad, input_grad=True):
        through = self._work("through", grad.shape, grad.dtype)
        return self.residual.backward(ops.relu_backward(grad, self.ctx.out, through), input_grad)


class ConvReluPool(Module):
    """Conv2d of stride 1, ReLU and, if given, MaxPool2d: the same results, in one operation.

    conv, relu, pool: the layers it replaces; the gradients go to conv's Parameters.
    """

    takes = "images"

    def __init__(self, conv, relu, pool=None):
        super().__init__()
        self.conv, self.relu, self.pool = conv, relu, pool
        self.side = pool.geometry[0][0] if pool else 1

    def __repr__(self):
        return f"ConvReluPool({', '.join(map(repr, self.children().values()))})"

    def forward(self, x):
        shape = self.conv.out_shape(x.shape)
        shape = self.pool.out_shape(shape) if self.pool else shape
        weight, bias = self.conv.weight.data, self.conv.bias and self.conv.bias.data
        self.ctx.x, self.ctx.out = x, self._work("out", shape, weight.dtype)
        places = self.side > 1 and self.training
        self.ctx.where = self._work("where", shape, "uint8") if places else None
        return ops.conv_relu_pool_forward(
            x, weight, bias, self.conv.padding, self.side, self.ctx.out, self.ctx.where
        )

    def backward(self, grad, input_grad=True):
        conv, ctx = self.conv, self.ctx
        return ops.conv_relu_pool_backward(
            ctx.x, conv.weight.data, ctx.out, ctx.where, grad, conv.padding, self.side,
            conv.weight.grad, conv.bias and conv.bias.grad,
            self._work("grad", ctx.x.shape, grad.dtype) if input_grad else None,
        )  # fmt: skip


FOLDED = {Conv2d: BatchNorm2d, Linear: BatchNorm1d}  # layer: the BatchNorm folded into it


def fold(model):
    """Return a model for inference with each BatchNorm folded into the Conv2d or Linear before it.

    Its outputs are the model's, except for rounding. Folded layers have new Parameters; all other
    layers are shared. Returns the model itself if there is nothing to fold, or if the kernel of
    BatchNorm is not in use: NumPy, or the user's own function, computes the layers one by one.
    Source: Jacob et al. 2018, Quantization and training of neural networks for efficient
    integer-arithmetic-only inference, section 3.2.
    """
    return rewrite(model, foldable) if "batch_norm_apply" in ops.active else model


def foldable(layers):
    """Return (function that folds them, 2) if the layers begin with such a pair, else (None, 1)."""
    pair = [type(layer) for layer in layers[:2]]
    return (_folded, 2) if len(pair) == 2 and FOLDED.get(pair[0]) is pair[1] else (None, 1)


def _folded(layer, norm):
    """Return one layer that computes norm(layer(x)) with norm's running statistics."""
    scale, shift = norm.scale_and_shift()
    folded = copy.copy(layer)
    weight, bias = layer.weight, shift
    if layer.bias:
        bias = layer.bias.data * scale + shift
    each = scale if weight.transposed else scale[:, None, None, None]
    folded.weight = Parameter(weight.data * each, weight.transposed)
    folded.bias = Parameter(bias.astype(weight.data.dtype, copy=False))
    return folded
