"""Loss and gradients of a shard, a part of a batch, layer by layer or in one compiled call."""

import numpy as np

from np_nn import ops
from np_nn.losses import ClassLoss, CrossEntropyLoss
from np_nn.reference import Dense, Drop, Norm
from np_nn.training.compiled_steps import blocks
from np_nn.training.fusion import fuse


class LayerShard:
    """Gradients of a shard by the layers' forward and backward."""

    def __init__(self, model, labels, loss):
        self._model, self._labels, self._loss = fuse(model), labels, loss
        self._parameters = model.parameters()

    def __call__(self, feed, shard, batch, gradients):
        """Compute the shard's part of a batch's loss, and of its gradients.

        feed: of the batches. shard, batch: (n,) and (N,) int, indices of images. gradients: an
        array for each parameter, which receives it. Returns (loss, number of correct images).
        """
        for parameter, array in zip(self._parameters, gradients, strict=True):
            parameter.grad = array
        y = self._labels[shard]
        outputs = self._model.forward(feed(shard))
        value, share = self._weighted(outputs, y, self._labels[batch])
        grad = self._loss.backward()
        self._model.backward(grad * grad.dtype.type(share), input_grad=False)
        for parameter, array in zip(self._parameters, gradients, strict=True):
            if parameter.grad is not array:  # a layer of the user's that does not write in place
                array[...] = parameter.grad
        return value * share, self._loss.count_correct(outputs, y)

    def _weighted(self, outputs, y, whole):
        """Return the loss of a shard, and its share in that of a batch with labels `whole`."""
        loss = self._loss
        divisor = 1 if loss.is_sum else loss.whole(whole)
        if type(loss).forward is ClassLoss.forward:  # a shard's classes may all have weight 0
            return loss.sum(outputs, y), 1 / divisor
        value = loss.forward(outputs, y)
        return value, 1 if loss.is_sum else loss.whole(y) / divisor


class CompiledShard:
    """Gradients of a shard of a multilayer perceptron in one call of the kernel ``mlp_steps``."""

    def __init__(self, model, labels, loss):
        self._labels, self._loss = labels, loss
        self._parameters, self._blocks = model.parameters(), blocks(model)
        self._activations = [
            block.activation.name if block.activation else "identity" for block in self._blocks
        ]

    def __call__(self, feed, shard, batch, gradients):
        """Do the same as LayerShard."""
        for parameter, array in zip(self._parameters, gradients, strict=True):
            array[...] = parameter.data
        arrays = dict(zip(map(id, self._parameters), gradients, strict=True))
        layers = [_dense(block, arrays) for block in self._blocks]
        loss, share = self._weighted(len(shard), len(batch), layers[-1].weight.shape[1])
        losses, correct = ops.mlp_steps(
            feed.rows, self._labels, shard[None], feed.scale, feed.shift, layers,
            self._activations, loss, "gradient", [1.0], 0, (), 0.0,
        )  # fmt: skip
        for block in self._blocks:
            if block.norm:
                block.norm.num_batches_tracked.data += 1
        if share != 1:
            for array in gradients:
                array *= np.float32(share)
        return losses[0] * share, correct[0]

    def _weighted(self, count, whole, classes):
        """Return the kernel's loss for `count` of `whole` images, and the share still to apply."""
        if isinstance(self._loss, CrossEntropyLoss):
            return ("cross_entropy", self._loss.smoothing), count / whole
        return ("mse", self._loss.factor((whole, classes))), 1


def _dense(block, arrays):
    """Return a Block as a Dense of mlp_steps, with the arrays {id of a Parameter: array}."""

    def of(layer):
        return arrays[id(layer.weight)], layer.bias and arrays[id(layer.bias)], (), ()

    norm = block.norm and Norm(
        *of(block.norm), block.norm.running_mean.data, block.norm.running_var.data,
        block.norm.eps, block.norm.momentum,
    )  # fmt: skip
    drop = None
    if block.drop and block.drop.p:
        drop = Drop(block.drop.p, np.array([block.drop.stream.next()], np.uint64))
    return Dense(*of(block.linear), norm, drop)
