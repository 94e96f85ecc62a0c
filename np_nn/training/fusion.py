"""Runs of layers as one: fused into stages while training, folded when a model is only used.

A stage is computed by one compiled kernel in one pass, so the arrays between its layers are never
written. The largest of a network of images is that between convolution and pooling. Folding makes
one layer of a Conv2d or Linear and the BatchNorm behind it, which by then multiplies and adds fixed
numbers.
"""

import copy

from np_nn import ops
from np_nn.layers import BatchNorm1d, BatchNorm2d, Conv2d, Linear, MaxPool2d, ReLU, Residual
from np_nn.layers.module import Module, Parameter, Sequential

# The kernels of the stages
STAGES = ("conv_relu_pool_forward", "batch_norm_relu_forward", "add_relu")


def fuse(model):
    """The same model with its fusible runs as stages, sharing all Parameters and Buffers.

    Runs are Conv2d, ReLU, MaxPool2d of side by side square windows, and Conv2d, ReLU, with
    convolutions of stride 1; BatchNorm1d or BatchNorm2d, ReLU; and Residual, ReLU; in a Sequential
    or a Residual at any depth. Returns the model itself where there is none, and if ``ops`` has no
    kernels for them: NumPy stays the textbook.
    """
    return rewrite(model, _run) if set(STAGES) <= set(ops.active) else model


def rewrite(model, find):
    """The model with other layers for runs of its own; itself where there is no such run.

    find: a function (layers) -> (make, count): make(*the first count of them) is the layer that
    takes their place; (None, 1) if they are no run. It sees the layers of each Sequential and
    Residual, at any depth.
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
    """(stage, how many of the first layers it takes); (None, 1) if they are no run."""
    first, relu, pool = (*layers[:3], None, None)[:3]
    if type(relu) is not ReLU:
        return None, 1
    if type(first) in (BatchNorm1d, BatchNorm2d):
        return NormRelu, 2
    if type(first) is Residual:
        return _residual_relu, 2
    if type(first) is Conv2d and first.stride == (1, 1):
        return ConvReluPool, 3 if type(pool) is MaxPool2d and _side_by_side(pool) else 2
    return None, 1


def _residual_relu(residual, relu):
    return ResidualRelu(rewrite(residual, _run), relu)


def _side_by_side(pool):
    """Return whether the windows are squares without gaps, overlaps or padding."""
    kernel, stride, padding = pool.geometry
    return kernel == stride == (kernel[0],) * 2 and padding == (0, 0)


class NormRelu(Module):
    """BatchNorm1d or BatchNorm2d and ReLU: the same numbers, in one operation while training.

    norm, relu: the layers that it stands for; statistics and gradients go to norm's.
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
    """Residual and ReLU: the same numbers, without the sum between them.

    residual, relu: the layers that it stands for.
    """

    def __init__(self, residual, relu):
        super().__init__()
        self.residual, self.relu = residual, relu

    def __repr__(self):
        return f"ResidualRelu({self.residual}, {self.relu})"

    def forward(self, x):
        self.ctx.out = self.residual.meet(ops.add_relu, x, not self.relu.training)
        return self.ctx.out

    def backward(self, grad, input_grad=True):
        through = self._work("through", grad.shape, grad.dtype)
        return self.residual.backward(ops.relu_backward(grad, self.ctx.out, through), input_grad)


class ConvReluPool(Module):
    """Conv2d of stride 1, ReLU and, if given, MaxPool2d: the same numbers, in one operation.

    conv, relu, pool: the layers that it stands for; the gradients go to conv's Parameters.
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


FOLDED = {Conv2d: BatchNorm2d, Linear: BatchNorm1d}  # what each layer can take over


def fold(model):
    """A model in ``eval()`` with each Conv2d or Linear and the BatchNorm behind it as one layer.

    Its outputs are the model's, but for rounding. What is folded has Parameters of its own, as
    they are now; the model's stay as they are, and all else is shared. Returns the model itself
    where there is nothing to fold, and if ``ops`` has no kernels: NumPy stays the textbook.
    Source: Jacob et al. 2018, Quantization and training of neural networks for efficient
    integer-arithmetic-only inference, section 3.2.
    """
    return rewrite(model, foldable) if ops.active else model


def foldable(layers):
    """(what folds them, how many of the first layers); (None, 1) if it is none."""
    pair = [type(layer) for layer in layers[:2]]
    return (_folded, 2) if len(pair) == 2 and FOLDED.get(pair[0]) is pair[1] else (None, 1)


def _folded(layer, norm):
    """A layer whose outputs are norm's of this layer's, with norm's running statistics."""
    scale, shift = norm.scale_and_shift()
    folded = copy.copy(layer)
    weight, bias = layer.weight, shift
    if layer.bias:
        bias = layer.bias.data * scale + shift
    each = scale if weight.transposed else scale[:, None, None, None]
    folded.weight = Parameter(weight.data * each, weight.transposed)
    folded.bias = Parameter(bias.astype(weight.data.dtype, copy=False))
    return folded
