"""PyTorch, eager or compiled, with the fastest of its optimizers and block sizes."""

import inspect
import warnings

import numpy as np
import torch
from cells import CENTRE, MOMENTUM_SGD, Cell, NetworkCell
from torch.nn import functional as F

import np_nn as nn
from contenders import problem
from contenders.kernel_cases import CASES, Inputs
from np_nn import torch_twin
from np_nn.recipes import build

aten = torch.ops.aten
IMPLEMENTATIONS = ({"fused": True}, {"foreach": True}, {})
BLOCKS = (500, 1000, 2000, 5000, 10000)  # batch sizes of inference
SMALL_BLOCKS = (25, 100, 500)  # batch sizes of inference with convolutions


class Tasks:
    """Tasks of PyTorch. variant: "eager", "compile" or "channels_last"."""

    def __init__(self, threads, variant):
        torch.set_num_threads(threads)
        self.wrap = torch.compile if variant == "compile" else lambda function: function
        self.options = IMPLEMENTATIONS[:1] if variant == "compile" else IMPLEMENTATIONS
        last = variant == "channels_last"
        self.layout = {"memory_format": torch.channels_last} if last else {}

    def train(self, cell):
        cell = Cell(**cell)
        split, model = problem.start(cell)
        return self._fastest(split, model, build.optimizer(cell.settings, model.parameters()), cell)

    def train_network(self, cell):
        cell = NetworkCell(**cell)
        split, model = problem.dataset("mnist").train, problem.network(cell.network)
        return self._fastest(split, model, nn.SGD(model.parameters(), **MOMENTUM_SGD), cell)

    def _fastest(self, split, model, optimizer, cell):
        known = inspect.signature(getattr(torch.optim, type(optimizer).__name__)).parameters
        options = [option for option in self.options if option.keys() <= known.keys()]
        return problem.fastest(
            lambda option: self._train(split, model, optimizer, cell.batch, option), options
        )

    def _train(self, split, numpy_model, optimizer, batch, option):
        images, labels = _shared(problem.shaped(split, numpy_model)), _shared(split.labels)
        model = self._twin(numpy_model)
        optimizer = getattr(torch.optim, type(optimizer).__name__)(
            model.parameters(), **optimizer.config, **option
        )

        @self.wrap
        def forward(x, y):
            logits = model(torch.mul(x, split.scale))  # from uint8 to float32 in one pass
            return F.cross_entropy(logits, y), (logits.argmax(dim=1) == y).sum()

        def train(block):
            total, right = 0.0, 0
            for indices in torch.from_numpy(block):
                x, y = images.index_select(0, indices), labels.index_select(0, indices)
                optimizer.zero_grad()
                loss, correct = forward(x, y)
                loss.backward()
                optimizer.step()
                total += loss.item()
                right += correct.item()
            return total / len(block), right / block.size

        return problem.drawn(train, len(split), batch)

    def _twin(self, model):
        """Return the model in torch, in the layout of images if that is channels_last.

        Images of one channel are the same bytes in either layout.
        """
        return (
            torch_twin.module(model).to(**self.layout) if self.layout else torch_twin.module(model)
        )

    def kernel(self, case):
        """Return a runner of PyTorch's counterpart of a kernel, on the same arrays."""
        name, inputs = case.split()[0], Inputs()
        if name not in OPERATIONS:
            raise NotImplementedError(f"no operation of torch does what {name} does")
        arguments = [
            torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in CASES[case](inputs)
        ]
        call = OPERATIONS[name](inputs, *arguments)
        return problem.repeated(torch.no_grad()(call))

    def predict(self):
        """Return a runner of the outputs for the test set, in the fastest of the BLOCKS."""
        test = problem.dataset(CENTRE.dataset).test
        return self._predict(test, problem.start(CENTRE)[1], BLOCKS)

    def predict_network(self, name, count):
        """Return a runner of the outputs for `count` test images, in the fastest SMALL_BLOCKS."""
        test = problem.some(problem.dataset("mnist").test, count)
        return self._predict(test, problem.network(name), SMALL_BLOCKS)

    def _predict(self, test, model, blocks):
        images, model = _shared(problem.shaped(test, model)), self._twin(model).eval()

        @torch.inference_mode()
        def call(block):
            return torch.cat([model(torch.mul(x, test.scale)) for x in images.split(block)])

        return problem.fastest(lambda block: problem.repeated(lambda: call(block)), blocks)

    def product(self, n, m, k):
        """Return a runner of a dense matrix product, (n, m) by (m, k)."""
        a, b, out = torch.ones(n, m), torch.ones(m, k), torch.empty(n, k)
        return problem.repeated(lambda: torch.mm(a, b, out=out))

    def copy(self, megabytes):
        """Return a runner of a copy in memory, on all threads."""
        source = torch.ones(megabytes * 250_000)
        target = torch.empty_like(source)
        return problem.repeated(lambda: target.copy_(source))


def _shared(array):
    """Return a tensor that shares the memory of an array; neither is written to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on writing to a read-only array
        return torch.from_numpy(array)


def _gather(inputs, images, indices, scale, shift, out):
    """Return a function that gathers and scales; the shift is 0, as it would take another pass."""
    return lambda: torch.mul(images.index_select(0, indices), scale, out=out)


def _expand(inputs, rows, indices, scale, shift, out):
    return _gather(inputs, torch.from_numpy(inputs.images), indices, scale, shift, out)


def _linear_forward(inputs, x, weight, bias, out):
    return lambda: torch.addmm(bias, x, weight, out=out)


def _sparse_forward(inputs, rows, indices, scale, shift, weight, bias, out):
    gather = _gather(inputs, torch.from_numpy(inputs.images), indices, scale, shift, None)
    return lambda: torch.addmm(bias, gather(), weight, out=out)


def _sparse_backward(inputs, rows, indices, scale, shift, grad, out):
    x = torch.from_numpy(inputs.x)
    return lambda: torch.mm(x.t(), grad, out=out)


def _cross_entropy(inputs, logits, labels, smoothing, grad):
    logits = logits.requires_grad_()

    @torch.enable_grad()
    def call():
        torch.autograd.grad(F.cross_entropy(logits, labels), logits)

    return call


def _bce(loss):
    """Return an operation that computes a loss and its gradient."""

    def operation(inputs, output, target, factor, grad):
        output = output.requires_grad_()

        @torch.enable_grad()
        def call():
            torch.autograd.grad(loss(output, target), output)

        return call

    return operation


def _batch_norm_backward(inputs, grad, x, weight, mean, variance, *rest):
    fixed = x, weight, None, None, mean, variance
    return lambda: aten.native_batch_norm_backward(grad, *fixed, True, 1e-5, [True] * 3)


def _batch_norm_relu_backward(inputs, grad, y, x, weight, mean, variance, *rest):
    fixed = x, weight, None, None, mean, variance
    return lambda: aten.native_batch_norm_backward(
        aten.threshold_backward(grad, y, 0), *fixed, True, 1e-5, [True] * 3
    )


def _layer_norm_backward(inputs, grad, normalised, weight, deviation, *rest):
    mean, scale = (t[:, None] for t in (torch.zeros_like(deviation), deviation))
    fixed = grad, normalised, weight.shape, mean, scale, weight, weight
    return lambda: aten.native_layer_norm_backward(*fixed, [True] * 3)


def _sgd(inputs, weight, grad, velocity, scratch, lr, *settings):
    return lambda: weight.add_(grad, alpha=-lr)


def _optimizer(kind, **options):
    """Return an operation that makes a step of a torch optimizer."""

    def operation(inputs, weight, grad, *rest):
        parameter = torch.nn.Parameter(weight)
        parameter.grad = grad
        return kind([parameter], **options).step

    return operation


def _conv_backward(grad, x, weight, stride, padding, *wanted):
    """Return a function of a convolution's backward pass. wanted: whether dx, and dweight."""
    fixed = None, stride, padding, (1, 1), False, (0, 0), 1, [*wanted, False]
    return lambda: aten.convolution_backward(grad, x, weight, *fixed)


def _conv_relu_pool(x, weight, bias, padding, pool):
    return F.max_pool2d(F.relu(F.conv2d(x, weight, bias, padding=padding)), pool)


def _conv_relu_pool_backward(inputs, x, weight, out, where, grad, padding, pool, *rest):
    """Return a function of the backward pass alone; its graph is built once."""
    bias = torch.zeros(len(weight), requires_grad=True)
    leaves = x.requires_grad_(), weight.requires_grad_(), bias
    with torch.enable_grad():
        made = _conv_relu_pool(*leaves, padding, pool)
    return lambda: torch.autograd.grad(made, leaves, grad, retain_graph=True)


def _max_pool_backward(inputs, grad, where, kernel, stride, padding, out):
    x = torch.from_numpy(inputs.dmaps)
    places = F.max_pool2d(x, kernel, stride, padding, return_indices=True)[1]
    fixed = kernel, stride, padding, (1, 1), False, places
    return lambda: aten.max_pool2d_with_indices_backward(grad, x, *fixed)


def _image_moments(inputs, images, out):
    """Return a function in float64, as the sums exceed the exact integers of float32."""
    y, x = (torch.from_numpy(axis.ravel()) for axis in np.indices(images.shape[1:]))
    factors = torch.stack([torch.ones_like(y), y, x, y * y, x * y], 1).double()
    return lambda: out.copy_(images.flatten(1).double() @ factors)


def _warp_images(inputs, images, matrices, coefficients, basis_y, basis_x, out):
    """Return a warp by grid_sample; the affine maps are converted to its places (x, y), -1..1."""
    height, width = images.shape[1:]
    scale = 2 / torch.tensor([width - 1, height - 1])
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([y, x, torch.ones_like(x)], -1).float()
    maps = (matrices.flip(1) * scale[:, None]).transpose(1, 2).contiguous()[:, None]
    maps[:, 0, 2] -= 1

    def call():
        grid = places @ maps
        if coefficients is not None:
            field = (basis_y @ coefficients @ basis_x.t()).flip(1) * scale[:, None, None]
            grid += field.movedim(1, -1)
        made = F.grid_sample(images[:, None].float(), grid, align_corners=True)
        out.copy_(made[:, 0].add_(0.5))

    return call


OPERATIONS = {  # name of the kernel: (inputs, *its arguments as tensors) -> function to call
    "gather": _gather,
    "expand": _expand,
    "linear_forward": _linear_forward,
    "linear_backward_weight": lambda i, x, grad, out: lambda: torch.mm(x.t(), grad, out=out),
    "linear_backward_bias": lambda i, grad, out: lambda: torch.sum(grad, 0, out=out),
    "linear_backward_input": lambda i, grad, w, out: lambda: torch.mm(grad, w.t(), out=out),
    "relu_forward": lambda i, x, out: lambda: torch.clamp_min(x, 0, out=out),
    "relu_backward": lambda i, grad, y, out: lambda: aten.threshold_backward(grad, y, 0),
    "log_softmax_forward": lambda i, x, out: lambda: torch.log_softmax(x, 1),
    "cross_entropy_forward": lambda i, x, y, *rest: lambda: F.cross_entropy(x, y),
    "cross_entropy": _cross_entropy,
    "sparse_linear_forward": _sparse_forward,
    "sparse_linear_backward_weight": _sparse_backward,
    "sigmoid_forward": lambda i, x, out: lambda: torch.sigmoid(x, out=out),
    "sigmoid_backward": lambda i, grad, y, out: lambda: aten.sigmoid_backward(grad, y),
    "tanh_forward": lambda i, x, out: lambda: torch.tanh(x, out=out),
    "tanh_backward": lambda i, grad, y, out: lambda: aten.tanh_backward(grad, y),
    "scaled_tanh_forward": lambda i, x, out: lambda: 1.7159 * torch.tanh(2 / 3 * x),
    "leaky_relu_forward": lambda i, x, slope, out: lambda: F.leaky_relu(x, slope),
    "leaky_relu_backward": lambda i, grad, x, slope, out: (
        lambda: aten.leaky_relu_backward(grad, x, slope, False)
    ),
    "elu_forward": lambda i, x, alpha, out: lambda: F.elu(x, alpha),
    "elu_backward": lambda i, grad, x, alpha, out: (
        lambda: aten.elu_backward(grad, alpha, 1, 1, False, x)
    ),
    "gelu_forward": lambda i, x, out: lambda: F.gelu(x),
    "gelu_backward": lambda i, grad, x, out: lambda: aten.gelu_backward(grad, x),
    "silu_forward": lambda i, x, out: lambda: F.silu(x),
    "silu_backward": lambda i, grad, x, out: lambda: aten.silu_backward(grad, x),
    "softmax_forward": lambda i, x, out: lambda: torch.softmax(x, 1),
    "softmax_backward": lambda i, grad, y, out: (
        lambda: aten._softmax_backward_data(grad, y, 1, grad.dtype)
    ),
    "log_softmax_backward": lambda i, grad, y, out: (
        lambda: aten._log_softmax_backward_data(grad, y, 1, grad.dtype)
    ),
    "add": lambda i, x, skip, out: lambda: torch.add(x, skip, out=out),
    "add_relu": lambda i, x, skip, out: lambda: torch.clamp_min(torch.add(x, skip, out=out), 0),
    "dropout": lambda i, x, p, key, out: lambda: F.dropout(x, p),
    "gaussian_noise": lambda i, x, std, key, out: lambda: x + std * torch.randn_like(x),
    "batch_norm_forward": lambda i, x, weight, bias, eps, *rest: (
        lambda: F.batch_norm(x, None, None, weight, bias, training=True, eps=eps)
    ),
    "batch_norm_backward": _batch_norm_backward,
    "batch_norm_relu_forward": lambda i, x, weight, bias, eps, *rest: (
        lambda: F.relu(F.batch_norm(x, None, None, weight, bias, training=True, eps=eps))
    ),
    "batch_norm_relu_backward": _batch_norm_relu_backward,
    "batch_norm_apply": lambda i, x, weight, bias, eps, mean, var, out: (
        lambda: F.batch_norm(x, mean, var, weight, bias, eps=eps)
    ),
    "layer_norm_forward": lambda i, x, weight, bias, eps, *rest: (
        lambda: F.layer_norm(x, weight.shape, weight, bias, eps)
    ),
    "layer_norm_backward": _layer_norm_backward,
    "conv2d_forward": lambda i, x, w, bias, stride, padding, out: (
        lambda: F.conv2d(x, w, bias, stride, padding)
    ),
    "conv2d_backward_weight": lambda i, x, grad, stride, padding, out: _conv_backward(
        grad, x, out, stride, padding, False, True
    ),
    "conv2d_backward_bias": lambda i, grad, out: lambda: torch.sum(grad, (0, 2, 3), out=out),
    "conv2d_backward_input": lambda i, grad, w, stride, padding, out: _conv_backward(
        grad, out, w, stride, padding, True, False
    ),
    "conv_relu_pool_forward": lambda i, x, w, bias, padding, pool, *rest: (
        lambda: _conv_relu_pool(x, w, bias, padding, pool)
    ),
    "conv_relu_pool_backward": _conv_relu_pool_backward,
    "max_pool2d_forward": lambda i, x, kernel, stride, padding, *rest: (
        lambda: F.max_pool2d(x, kernel, stride, padding)
    ),
    "max_pool2d_backward": _max_pool_backward,
    "avg_pool2d_forward": lambda i, x, kernel, stride, padding, out: (
        lambda: F.avg_pool2d(x, kernel, stride, padding)
    ),
    "avg_pool2d_backward": lambda i, grad, kernel, stride, padding, out: (
        lambda: aten.avg_pool2d_backward(grad, out, kernel, stride, padding, False, True, None)
    ),
    "adaptive_avg_pool2d_forward": lambda i, x, out: (
        lambda: F.adaptive_avg_pool2d(x, out.shape[2:])
    ),
    "adaptive_avg_pool2d_backward": lambda i, grad, out: (
        lambda: aten._adaptive_avg_pool2d_backward(grad, out)
    ),
    "bce": _bce(F.binary_cross_entropy),
    "bce_with_logits": _bce(F.binary_cross_entropy_with_logits),
    "sgd_step": _sgd,
    "adagrad_step": _optimizer(torch.optim.Adagrad, fused=True),
    "rmsprop_step": _optimizer(torch.optim.RMSprop),
    "adadelta_step": _optimizer(torch.optim.Adadelta),
    "adam_step": _optimizer(torch.optim.Adam, fused=True),
    "image_moments": _image_moments,
    "warp_images": _warp_images,
}
