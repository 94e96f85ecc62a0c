"""5. The chain: how do the pieces become a network that learns?

One step forward through all layers gives the loss; one step backward, in the opposite order, gives
the gradient of every weight. Each backward piece turns the gradient of its output into that of
its input: the chain rule, a product of derivatives, is only this order of calls.

    x  --weight1, bias1-->  a  --ReLU-->  h  --weight2, bias2-->  z  --softmax-->  loss
                           da  <--------  dh  <----------------  dz  <-----------

Replace the line that raises NotImplementedError, then run

    np-nn check 05_chain.py

Use the functions of np_nn.reference, or copy your own from the files before. mlp_steps below is
np_nn's loop around them: with your gradients it trains on MNIST.
"""

import numpy as np

from np_nn import reference


def gradients(
    x, labels, weight1, bias1, weight2, bias2, weight1_grad, bias1_grad, weight2_grad, bias2_grad
):
    """Write the gradients of all weights and biases, and return the loss, a float.

    x (N, I), labels (N,), weight1 (I, J), bias1 (J,), weight2 (J, C), bias2 (C,); each gradient
    has the shape of its array. a, h, dh and da are (N, J), z and dz (N, C); dz: gradient of z.

        loss = mean over n of -log p[n, labels[n]], p the softmax of z
        weight2_grad[j, c] = sum over n of h[n, j] * dz[n, c], h = max(a, 0)
        bias2_grad[c] = sum over n of dz[n, c]
        weight1_grad[i, j] = sum over n of x[n, i] * da[n, j], da = dh where h > 0, else 0
        bias1_grad[j] = sum over n of da[n, j]
    """
    # >>>
    # hint: forward: linear_forward, relu_forward, linear_forward, cross_entropy, which writes dz
    # hint: backward: linear_backward_weight, _bias and _input of layer 2, relu_backward, then the
    # hint: weight and the bias of layer 1; nobody asks for the gradient of the pixels
    # hint: np.empty_like(h) is a new array to write dh into
    n = len(x)
    a = reference.linear_forward(x, weight1, bias1, np.empty((n, len(bias1)), x.dtype))
    h = reference.relu_forward(a, np.empty_like(a))
    z = reference.linear_forward(h, weight2, bias2, np.empty((n, len(bias2)), x.dtype))
    dz = np.empty_like(z)
    loss = reference.cross_entropy(z, labels, 0.0, dz)
    reference.linear_backward_weight(h, dz, weight2_grad)
    reference.linear_backward_bias(dz, bias2_grad)
    dh = reference.linear_backward_input(dz, weight2, np.empty_like(h))
    da = reference.relu_backward(dh, h, np.empty_like(h))
    reference.linear_backward_weight(x, da, weight1_grad)
    reference.linear_backward_bias(da, bias1_grad)
    return loss
    # <<<


def mlp_steps(
    rows, targets, batches, scale, shift, layers, activations, loss, rule, rates, step, settings,
    l2,
):  # fmt: skip
    """Train for some steps of gradient descent, with the gradients above. Given: leave it."""
    first, second = layers
    parameters = first.weight, first.bias, second.weight, second.bias
    losses, correct = np.empty(len(batches)), np.zeros(len(batches), np.int64)
    for k, batch in enumerate(batches):
        x = reference.expand(rows, batch, scale, shift, np.empty((len(batch), rows.width), "f4"))
        grads = [np.empty_like(parameter) for parameter in parameters]
        losses[k] = gradients(x, targets[batch], *parameters, *grads)
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter -= np.float32(rates[k]) * grad
    return losses, correct


# >>> check
def _case(c):
    shapes = (c.i, 4), (4,), (4, c.o), (c.o,)
    batch = c.x(c.some, c.i), c.rng.integers(0, c.o, c.some)
    return *batch, *(c.x(*shape) for shape in shapes), *(c.out(*shape) for shape in shapes)


CASES = {"gradients": _case}
# <<<
