"""Arguments that each kernel is timed with.

These are a real batch of MNIST in 784-512-10 and, for images, a batch of 64 at the second
convolution of a network like LeNet-5: 16 maps of 12 x 12 become 32 of 8 x 8 and, pooled, of 4 x 4.
"""

import numpy as np
from cells import CENTRE

from contenders import problem
from np_nn import ops, reference
from np_nn.data.augmentation import Elastic
from np_nn.data.batches import Batches
from np_nn.data.preprocess import identity_maps

MADE, POOLED = (64, 32, 8, 8), (64, 32, 4, 4)  # output of the convolution; pooled
ONE, PAIRS = ((1, 1), (0, 0)), ((2, 2), (2, 2), (0, 0))  # stride, padding; kernel, and both
STEPS = 10  # training steps per call of mlp_steps


class Inputs:
    """Arrays of one training step of the centre cell."""

    def __init__(self):
        split, model = problem.start(CENTRE)
        self.split, self.images = split, problem.flat(split)
        self.pixels = split.scale, split.shift
        self.indices = next(iter(Batches(len(split), CENTRE.batch, steps=1, replacement=True)))
        self.labels = split.labels[self.indices]
        self.W1, self.b1, self.W2, self.b2 = (p.data for p in model.parameters())

        self.x = reference.gather(self.images, self.indices, *self.pixels, self.empty(784))
        self.sums = reference.linear_forward(self.x, self.W1, self.b1, self.empty(512))
        self.h = np.maximum(self.sums, 0)
        self.logits = reference.linear_forward(self.h, self.W2, self.b2, self.empty(10))
        self.log_probs = reference.log_softmax_forward(self.logits, self.empty(10))
        self.dlogits = reference.cross_entropy_backward(
            self.log_probs, self.labels, 0.0, self.empty(10)
        )
        self.dh = self.dlogits @ self.W2.T * (self.h > 0)
        self.dW1 = self.x.T @ self.dh

        # for layers not in 784-512-10: of the hidden layer's shape, or one number per unit
        self.shares = reference.softmax_forward(self.sums, self.empty(512))
        self.ones = np.ones_like(self.b1)
        self.target = np.eye(10, dtype=np.float32)[self.labels]

        self.wide = np.tile(self.h, 4)
        self.wide_weight = np.tile(self.W1[:512], (4, 4))

        # images; after ReLU and pooling most gradients are 0, see `out`
        rng = np.random.default_rng(0)
        self.maps = rng.standard_normal((64, 16, 12, 12), np.float32).clip(0)
        self.filters = rng.standard_normal((32, 16, 5, 5), np.float32) / np.float32(20)
        self.bias, self.dmaps = np.zeros(32, np.float32), rng.standard_normal(MADE, np.float32)
        self.dpooled = rng.standard_normal(POOLED, np.float32)
        self.out, self.where = np.empty(POOLED, np.float32), np.empty(POOLED, np.uint8)
        reference.conv_relu_pool_forward(
            self.maps, self.filters, self.bias, (0, 0), 2, self.out, self.where
        )
        self.channels = np.ones(32, np.float32)

        # the batch as images to distort: by a matrix each, and by displacements added to it
        self.digits = split.images[self.indices]
        changes = rng.normal(0, 0.1, (CENTRE.batch, 2, 3))
        self.matrices = (identity_maps(CENTRE.batch)[:, :2] + changes).astype(np.float32)
        self.field = Elastic().draw(CENTRE.batch, self.digits.shape[1:], rng)[1:]

        # a whole training, with copies of the weights, which it changes
        self.batches = next(Batches(len(split), CENTRE.batch, steps=STEPS).blocks(lambda: STEPS))
        pairs = (self.W1, self.b1), (self.W2, self.b2)
        self.layers = [reference.Dense(W.copy(), b.copy(), (), ()) for W, b in pairs]

    rows = property(lambda self: self.split.rows, doc="the compressed set, made on first use")
    sparse = property(lambda self: (self.rows, self.indices, *self.pixels))

    @staticmethod
    def empty(width):
        return np.empty((CENTRE.batch, width), np.float32)


def _zeros(array):
    return np.zeros_like(array)


def _made():
    return np.empty(MADE, np.float32)


def _scratch(array):
    return np.empty((2, *array.shape), array.dtype)


# The kernel's name, perhaps with the layer: its arguments but for the threads.
CASES = {
    "compress": lambda i: (i.images,),
    "gather": lambda i: (i.images, i.indices, *i.pixels, i.empty(784)),
    "expand": lambda i: (*i.sparse, i.empty(784)),
    "sparse_linear_forward": lambda i: (*i.sparse, i.W1, i.b1, i.empty(512)),
    "linear_forward 784-512": lambda i: (i.x, i.W1, i.b1, i.empty(512)),
    "linear_forward 512-10": lambda i: (i.h, i.W2, i.b2, i.empty(10)),
    "linear_forward 2048-2048": lambda i: (i.wide, i.wide_weight, i.wide[0], i.empty(2048)),
    "relu_forward": lambda i: (i.sums, i.empty(512)),
    "log_softmax_forward": lambda i: (i.logits, i.empty(10)),
    "cross_entropy_forward": lambda i: (i.logits, i.labels, 0.0, i.empty(10)),
    "cross_entropy_backward": lambda i: (i.log_probs, i.labels, 0.0, i.empty(10)),
    "cross_entropy": lambda i: (i.logits, i.labels, 0.0, i.empty(10)),
    "linear_backward_input 512-10": lambda i: (i.dlogits, i.W2, i.empty(512)),
    "linear_backward_input 2048-2048": lambda i: (i.wide, i.wide_weight, i.empty(2048)),
    "relu_backward": lambda i: (i.dh, i.h, i.empty(512)),
    "linear_backward_bias": lambda i: (i.dh, _zeros(i.b1)),
    "sparse_linear_backward_weight": lambda i: (*i.sparse, i.dh, _zeros(i.W1)),
    "linear_backward_weight 784-512": lambda i: (i.x, i.dh, _zeros(i.W1)),
    "linear_backward_weight 512-10": lambda i: (i.h, i.dlogits, _zeros(i.W2)),
    "sigmoid_forward": lambda i: (i.sums, i.empty(512)),
    "sigmoid_backward": lambda i: (i.dh, i.shares, i.empty(512)),
    "tanh_forward": lambda i: (i.sums, i.empty(512)),
    "tanh_backward": lambda i: (i.dh, i.shares, i.empty(512)),
    "scaled_tanh_forward": lambda i: (i.sums, i.empty(512)),
    "scaled_tanh_backward": lambda i: (i.dh, i.shares, i.empty(512)),
    "leaky_relu_forward": lambda i: (i.sums, 0.01, i.empty(512)),
    "leaky_relu_backward": lambda i: (i.dh, i.sums, 0.01, i.empty(512)),
    "elu_forward": lambda i: (i.sums, 1.0, i.empty(512)),
    "elu_backward": lambda i: (i.dh, i.sums, 1.0, i.empty(512)),
    "gelu_forward": lambda i: (i.sums, i.empty(512)),
    "gelu_backward": lambda i: (i.dh, i.sums, i.empty(512)),
    "silu_forward": lambda i: (i.sums, i.empty(512)),
    "silu_backward": lambda i: (i.dh, i.sums, i.empty(512)),
    "softmax_forward": lambda i: (i.sums, i.empty(512)),
    "softmax_backward": lambda i: (i.dh, i.shares, i.empty(512)),
    "log_softmax_forward 512": lambda i: (i.sums, i.empty(512)),
    "log_softmax_backward": lambda i: (i.dh, -i.h, i.empty(512)),
    "dropout": lambda i: (i.sums, 0.5, 1, i.empty(512)),
    "gaussian_noise": lambda i: (i.sums, 0.1, 1, i.empty(512)),
    "add": lambda i: (i.sums, i.dh, i.empty(512)),
    "add_relu": lambda i: (i.sums, i.dh, i.empty(512)),
    "batch_norm_forward": lambda i: (
        i.sums, i.ones, i.ones, 1e-5, i.empty(512), _zeros(i.ones), _zeros(i.ones),
    ),
    "batch_norm_backward": lambda i: (
        i.dh, i.sums, i.ones, _zeros(i.ones), i.ones, 1e-5, _zeros(i.ones), _zeros(i.ones),
        i.empty(512),
    ),
    "batch_norm_relu_forward": lambda i: (
        i.sums, i.ones, i.ones, 1e-5, i.empty(512), _zeros(i.ones), _zeros(i.ones),
    ),
    "batch_norm_relu_backward": lambda i: (
        i.dh, i.h, i.sums, i.ones, _zeros(i.ones), i.ones, 1e-5, _zeros(i.ones), _zeros(i.ones),
        i.empty(512),
    ),
    "batch_norm_apply": lambda i: (i.sums, i.ones, i.ones, 1e-5, i.ones, i.ones, i.empty(512)),
    "layer_norm_forward": lambda i: (
        i.sums, i.ones, i.ones, 1e-5, i.empty(512), i.empty(512), np.zeros(len(i.h), np.float32),
    ),
    "layer_norm_backward": lambda i: (
        i.dh, i.sums, i.ones, np.ones(len(i.h), np.float32), _zeros(i.ones), _zeros(i.ones),
        i.empty(512),
    ),
    "batch_norm_forward images": lambda i: (
        i.dmaps, i.channels, i.channels, 1e-5, _made(), _zeros(i.bias), _zeros(i.bias),
    ),
    "batch_norm_backward images": lambda i: (
        i.dmaps, i.dmaps, i.channels, i.channels, i.channels, 1e-5, _zeros(i.bias),
        _zeros(i.bias), _made(),
    ),
    "batch_norm_apply images": lambda i: (
        i.dmaps, i.channels, i.channels, 1e-5, i.channels, i.channels, _made(),
    ),
    "conv2d_forward": lambda i: (i.maps, i.filters, i.bias, *ONE, _made()),
    "conv2d_backward_weight": lambda i: (i.maps, i.dmaps, *ONE, _zeros(i.filters)),
    "conv2d_backward_bias": lambda i: (i.dmaps, _zeros(i.bias)),
    "conv2d_backward_input": lambda i: (i.dmaps, i.filters, *ONE, _zeros(i.maps)),
    "conv_relu_pool_forward": lambda i: (
        i.maps, i.filters, i.bias, (0, 0), 2, _zeros(i.out), _zeros(i.where),
    ),
    "conv_relu_pool_backward": lambda i: (
        i.maps, i.filters, i.out, i.where, i.dpooled, (0, 0), 2, _zeros(i.filters),
        _zeros(i.bias), _zeros(i.maps),
    ),
    "max_pool2d_forward": lambda i: (i.dmaps, *PAIRS, _zeros(i.out), _zeros(i.where)),
    "max_pool2d_backward": lambda i: (i.dpooled, i.where, *PAIRS, _made()),
    "avg_pool2d_forward": lambda i: (i.dmaps, *PAIRS, _zeros(i.out)),
    "avg_pool2d_backward": lambda i: (i.dpooled, *PAIRS, _made()),
    "adaptive_avg_pool2d_forward": lambda i: (i.dmaps, np.zeros((64, 32, 1, 1), np.float32)),
    "adaptive_avg_pool2d_backward": lambda i: (i.dmaps[:, :, :1, :1].copy(), _made()),
    "bce_with_logits": lambda i: (i.logits, i.target, 1 / i.logits.size, i.empty(10)),
    "bce": lambda i: (np.exp(i.log_probs), i.target, 1 / i.logits.size, i.empty(10)),
    "sgd_step": lambda i: (i.W1, i.dW1, None, _zeros(i.W1), 1e-4, 0.0, 0.0, False),
    "adagrad_step": lambda i: (
        i.W1, i.dW1, _zeros(i.W1), _scratch(i.W1), 1, 1e-4, 0.0, 0.0, 1e-10,
    ),
    "rmsprop_step": lambda i: (
        i.W1, i.dW1, _zeros(i.W1), None, None, _scratch(i.W1), 1e-4, 0.99, 1e-8, 0.0, 0.0, False,
    ),
    "adadelta_step": lambda i: (
        i.W1, i.dW1, _zeros(i.W1), _zeros(i.W1), _scratch(i.W1), 1e-2, 0.9, 1e-6, 0.0,
    ),
    "adam_step": lambda i: (
        i.W1, i.dW1, _zeros(i.W1), _zeros(i.W1), _scratch(i.W1), 1, 1e-4, 0.9, 0.999, 1e-8, 0.0,
        False, False,
    ),
    f"mlp_steps 784-512-10, {STEPS} steps": lambda i: (
        i.rows, i.split.labels, i.batches, *i.pixels, i.layers, ("relu", "identity"),
        ("cross_entropy", 0.0), "sgd", np.full(STEPS, 0.01), 0, (0.0, 0.0, False), 0.0,
    ),
    "image_moments": lambda i: (i.digits, np.zeros((len(i.digits), 5), np.int64)),
    "warp_images affine": lambda i: (i.digits, i.matrices, None, None, None, _zeros(i.digits)),
    "warp_images elastic": lambda i: (i.digits, i.matrices, *i.field, _zeros(i.digits)),
}  # fmt: skip


def _gathered(i):
    return ops.gather(i.images, i.indices, *i.pixels, i.x)


# Dense counterparts in NumPy of the operations on compressed rows.
DENSE_TWINS = {
    "expand": _gathered,
    "sparse_linear_forward": lambda i: ops.linear_forward(_gathered(i), i.W1, i.b1, i.sums),
    "sparse_linear_backward_weight": lambda i: ops.linear_backward_weight(i.x, i.dh, i.dW1),
}
