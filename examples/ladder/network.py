"""The ladder network: both paths of its encoder, its decoder, and their gradients.

In training one array holds both paths, (2, N, units): first the clean one, then the corrupted one.
The weights they share get the sum of both paths' gradients from one product.
"""

import numpy as np

import np_nn as nn


def normalise(a):
    """Return a (..., N, units) with mean 0 and variance 1 over N, its mean and its deviation."""
    mean = a.mean(axis=-2, keepdims=True)
    z = a - mean
    deviation = np.sqrt(mean_product(z, z) + 1e-10)
    z /= deviation
    return z, mean, deviation


def normalise_backward(grad, z, deviation):
    """Return the gradient of a: its mean and deviation depend on every sample."""
    a = grad - grad.mean(axis=-2, keepdims=True)
    a -= z * mean_product(grad, z)
    a /= deviation
    return a


def mean_product(a, b):
    """Return the mean of a * b over the N samples, (..., 1, units)."""
    return np.einsum("...nu,...nu->...u", a, b)[..., None, :] / a.shape[-2]


def random_weight(rng, inputs, outputs):
    weight = rng.standard_normal((inputs, outputs), np.float32)
    return nn.Parameter(weight / np.float32(np.sqrt(inputs)))


class Encode(nn.Module):
    """Layer of the encoder: z = normalise(h W), plus noise, plus beta, then ReLU.

    h (paths, N, inputs) -> (paths, N, units). In training the last path is the corrupted one, and
    only it gets noise. The top layer multiplies by gamma in place of ReLU.
    """

    def __init__(self, rng, inputs, units, noise, top):
        super().__init__()
        self.weight, self.noise = random_weight(rng, inputs, units), nn.GaussianNoise(noise)
        self.beta = nn.Parameter(np.zeros(units, np.float32))
        self.gamma = nn.Parameter(np.ones(units, np.float32)) if top else None
        self.mean = nn.Buffer(np.zeros(units, np.float32))  # of the training set, for tests
        self.deviation = nn.Buffer(np.ones(units, np.float32))

    def forward(self, h):
        ctx, a = self.ctx, h @ self.weight.data
        if not self.training:
            return self.activate((a - self.mean.data) / self.deviation.data)
        ctx.h, (ctx.z, mean, ctx.deviation) = h, normalise(a)
        noisy = self.noise.forward(ctx.z[-1])
        ctx.level = noisy, ctx.z[0], mean[0], ctx.deviation[0]  # for the decoder
        ctx.y = ctx.z.copy()
        ctx.y[-1] = noisy
        return self.activate(ctx.y)

    def activate(self, z):
        z += self.beta.data
        return z * self.gamma.data if self.gamma else np.maximum(z, 0, out=z)

    def backward(self, grad, lateral, clean, input_grad):
        """Return the gradient of h, or None without input_grad.

        grad: gradient of the output. lateral, clean: gradients of the noisy z and of the clean
        path's h W, which come from the decoder, or 0.
        """
        ctx = self.ctx
        if self.gamma:
            np.sum(grad * ctx.y, axis=(0, 1), out=self.gamma.grad)
            grad = grad * self.gamma.data
        else:
            grad = grad * (ctx.y > 0)
        np.sum(grad, axis=(0, 1), out=self.beta.grad)
        grad[-1] += lateral
        grad = normalise_backward(grad, ctx.z, ctx.deviation)
        grad[0] += clean
        h, flat = (x.reshape(-1, x.shape[-1]) for x in (ctx.h, grad))
        np.matmul(h.T, flat, out=self.weight.grad)  # a sum over both paths
        return grad @ self.weight.data.T if input_grad else None

    def settle(self, h):
        """Keep mean and deviation of h W for tests, h (n, inputs); return the layer's output."""
        z, self.mean.data[...], self.deviation.data[...] = normalise(h @ self.weight.data)
        return self.activate(z)


class Curve(nn.Module):
    """Function of u for each unit: a1 sigmoid(a2 u + a3) + a4 u + a5, at first constant."""

    def __init__(self, units, start):
        super().__init__()
        self.a = nn.Parameter(np.repeat(np.float32([[0], [1], [0], [0], [start]]), units, axis=1))
        self.sigmoid = nn.Sigmoid()

    def forward(self, u):
        a1, a2, a3, a4, a5 = self.a.data
        self.ctx.u, self.ctx.s = u, self.sigmoid.forward(a2 * u + a3)
        return a1 * self.ctx.s + a4 * u + a5

    def backward(self, grad):
        a1, a2, _, a4, _ = self.a.data
        u, slope = self.ctx.u, self.sigmoid.backward(grad * a1)
        terms = grad * self.ctx.s, slope * u, slope, grad * u, grad
        for row, term in zip(self.a.grad, terms, strict=True):
            np.sum(term, axis=0, out=row)
        return slope * a2 + grad * a4


class Denoise(nn.Module):
    """Layer of the decoder: estimates the clean z as (noisy z - mu) v + mu.

    mu, what the layer above expects, and v, how far to trust the noisy z, are curves of
    u = normalise(above V), where `above` is the estimate of the layer above. At the top `above`
    holds the probabilities of the classes, and there is no V.
    """

    def __init__(self, rng, units, above, cost):
        super().__init__()
        self.weight, self.cost = random_weight(rng, above, units) if above else None, cost
        self.mu, self.v = Curve(units, 0), Curve(units, 1)

    def forward(self, above, level):
        ctx = self.ctx
        ctx.above, (ctx.noisy, ctx.clean, mean, ctx.scale) = above, level
        ctx.u, _, ctx.deviation = normalise(above @ self.weight.data if self.weight else above)
        ctx.mu, ctx.v = self.mu.forward(ctx.u), self.v.forward(ctx.u)
        estimate = (ctx.noisy - ctx.mu) * ctx.v + ctx.mu
        ctx.error = (estimate - mean) / ctx.scale - ctx.clean
        return estimate

    def loss(self):
        return self.cost * np.mean(self.ctx.error**2)

    def backward(self, grad):
        """Return the gradients of `above`, of the noisy z, and of the clean path's h W.

        The clean path gets one because it moves the target, and because its mean and deviation
        scale the estimate. As in the authors' code, it is not stopped.
        """
        ctx = self.ctx
        error = ctx.error * (2 * self.cost / ctx.error.size)
        clean = (error + ctx.clean * mean_product(error, ctx.error)) / -ctx.scale
        grad = grad + error / ctx.scale
        u = self.mu.backward(grad * (1 - ctx.v)) + self.v.backward(grad * (ctx.noisy - ctx.mu))
        u = normalise_backward(u, ctx.u, ctx.deviation)
        if self.weight:
            np.matmul(ctx.above.T, u, out=self.weight.grad)
            u = u @ self.weight.data.T
        return u, grad * ctx.v, clean


class Ladder(nn.Module):
    """Ladder network: x (N, widths[0]) -> logits (N, widths[-1]).

    They are those of the corrupted path in training, else of the clean one.

    widths: numbers of inputs and units. input_noise, noise: standard deviations in the input and in
    each layer's z. costs: weights of the decoder's mean squared errors, from the input up; if empty
    there is no decoder, and no clean path in training.
    """

    takes = "rows"

    def __init__(self, widths, input_noise, noise, costs, seed=0):
        super().__init__()
        rng, top = np.random.default_rng(seed), len(widths) - 1
        pairs = [*zip(widths, (*widths[1:], None), strict=True)]  # of a layer and the one above
        layers = [Encode(rng, *pair, noise, i == top) for i, pair in enumerate(pairs[:top], 1)]
        mirror = [Denoise(rng, *pair, cost) for pair, cost in zip(pairs, costs, strict=False)]
        self.encoder, self.decoder = nn.Sequential(*layers), nn.Sequential(*mirror)
        self.noise, self.softmax = nn.GaussianNoise(input_noise), nn.Softmax()

    def forward(self, x):
        noisy = self.noise.forward(x)
        if not self.training or not self.decoder:
            return self.encoder.forward(noisy[None])[0]
        logits = self.encoder.forward(np.stack([x, noisy]))[1]
        levels = [(noisy, x, 0, 1), *(layer.ctx.level for layer in self.encoder)]
        estimate = self.softmax.forward(logits)
        for layer, level in zip(self.decoder[::-1], levels[::-1], strict=True):
            estimate = layer.forward(estimate, level)
        self.ctx.noisy, self.ctx.estimate = noisy, estimate
        return logits

    def denoising_loss(self):
        return sum(layer.loss() for layer in self.decoder)

    def backward(self, grad, input_grad=False):
        """Compute all gradients from that of the logits; the denoising loss adds its own."""
        above, sides = 0, [(0, 0)] * (len(self.encoder) + 1)
        for i, layer in enumerate(self.decoder):
            above, *sides[i] = layer.backward(above)
        grad = grad[None]
        if self.decoder:
            grad = np.concatenate([np.zeros_like(grad), grad + self.softmax.backward(above)])
        for i in range(len(self.encoder), 0, -1):
            grad = self.encoder[i - 1].backward(grad, *sides[i], input_grad=i > 1)

    def settle(self, images):
        """Take the clean path's means and deviations for tests from training images."""
        h = images.reshape(len(images), -1) * np.float32(1 / 255)
        for layer in self.encoder:
            h = layer.settle(h)
