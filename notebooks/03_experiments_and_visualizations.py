# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Experiments, and how to look at a network
#
# The first half varies one setting of a training at a time: learning rate, initialisation, batch
# size, activation, optimizer, normalisation; then it tests what helps on new images. The second
# half looks inside: norms, dead units, mistakes, calibration, embeddings, saliency, the loss
# surface; and finally convolutions, callbacks and checkpoints.
#
# Change the numbers and run the cells again: that is what this notebook is for.

# %%
import os
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn import plots
from np_nn.analysis import loss_surface, metrics
from np_nn.analysis.embedding import embed, hidden
from np_nn.analysis.snapshots import Snapshots
from np_nn.analysis.trace import trace
from np_nn.plots.images import SIGNED
from np_nn.plots.inline import canvas, show

QUICK = os.environ.get("NP_NN_QUICK") == "1"  # small data and few steps: does it run?

data = nn.load("digits" if QUICK else "auto", quiet=True)
train, test = data.train, data.test
IMAGES = 6_400 if QUICK else 64_000  # images that each experiment trains on
USUAL = partial(nn.SGD, lr=0.1)
print(data.note or data.title)

# %% [markdown]
# ## One training, and what can be changed
#
# Every experiment is this function with one argument changed; all use the same number of images, in
# the same order, and start from the same random numbers.


# %%
def experiment(
    *, sizes=(784, 64, 64, 10), activation="relu", start="kaiming_normal", batch_size=64,
    optimizer=USUAL, split=train, seed=0, augment=None, callbacks=(), **layers,
):  # fmt: skip
    """Train on IMAGES images; return the model and its history."""
    model = nn.initialize(nn.mlp(sizes, activation, **layers), start, seed=seed)
    history = nn.fit(
        model, split, nn.CrossEntropyLoss(), optimizer(model.parameters()),
        steps=IMAGES // batch_size, batch_size=batch_size, seed=seed, augment=augment,
        callbacks=callbacks, quiet=True,
    )  # fmt: skip
    return model, history


def family(variants, base=None):
    """Return the Effects of variants {label: arguments}; base: label of the usual one."""
    effects = []
    for label, arguments in variants.items():
        _, history = experiment(**arguments)
        images = np.arange(1, history.done + 1) * (IMAGES / history.done)
        effects.append(plots.Effect(label, images, history.loss, is_base=label == base))
    return effects


# %% [markdown]
# ## Learning rate, start, batch size, activation
#
# What to expect, before you look:
#
# - **Learning rate** $\eta$: too small is slow; too large jumps over the minimum.
# - **Start** (initialisation): a sum of $I$ inputs with weights of variance $\sigma^2$ has the
#   variance $I \sigma^2 \, \overline{x^2}$, and a ReLU halves the mean square. With Kaiming's
#   $\sigma^2 = 2 / I$ the mean square stays the same from layer to layer. From zeros, all units of
#   a layer stay equal forever.
# - **Batch size** $N$: the noise of the gradient falls with $1 / \sqrt{N}$, its cost grows with
#   $N$. With larger batches, the same images give fewer steps.
# - **Activation**: on the way back the gradient is multiplied by the derivative, which is
#   $\frac{1}{4}$ at most for the sigmoid, and 1 for a ReLU that is on.


# %%
def sgd(**settings):
    return {"optimizer": partial(nn.SGD, **settings)}


rates = {f"{lr:g}": sgd(lr=lr) for lr in (0.001, 0.01, 0.1, 1)}
starts = {
    name: {"start": name} for name in ("zeros", "original", "torch", "kaiming_normal")
}
batch_sizes = {str(size): {"batch_size": size} for size in (8, 64, 512)}
bends = {name: {"activation": name} for name in ("sigmoid", "tanh", "relu", "gelu")}
families = {
    "learning rate": family(rates, base="0.1"),
    "start": family(starts, base="kaiming_normal"),
    "batch size": family(batch_sizes, base="64"),
    "activation": family(bends, base="relu"),
}
show(
    f"784-64-64-10 on {data.title}: one thing changed at a time",
    plots.plot_effects, families,
)  # fmt: skip

# %% [markdown]
# `python -m np_nn.visualize effects` draws such a page for any network and data set.
#
# ### Exercise 1: how noisy is a gradient?
#
# Take the network before training. Compute the gradient of the first layer's weights for 100 random
# batches of 16 images, and for 100 batches of 64. By which factor does the standard deviation over
# the batches fall? $1 / \sqrt{N}$ predicts 2.


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
def gradient_noise(batch_size, batches=100):
    model = nn.initialize(nn.mlp((784, 64, 10)), "kaiming_normal", seed=0)
    rng, gradients, loss = np.random.default_rng(0), [], nn.CrossEntropyLoss()
    for _ in range(batches):
        chosen = rng.integers(0, len(train), batch_size)
        x = train.images[chosen].reshape(batch_size, -1) * np.float32(1 / 255)
        loss(model(x), train.labels[chosen])
        model.backward(loss.backward())
        gradients.append(model[0].weight.grad.copy())
    return np.std(gradients, axis=0).mean()


factor = gradient_noise(16) / gradient_noise(64)
print(f"four times as many images, {factor:.2f} times less noise")
assert 1.7 < factor < 2.3

# %% [markdown]
# ## Optimizer, momentum, depth, normalisation
#
# - **Optimizers** differ in what they remember of earlier gradients. Adam divides the mean
#   gradient of each weight, $\hat{m}$, by its recent size,
#   $\Delta w = -\eta \, \hat{m} / (\sqrt{\hat{v}} + \epsilon)$, so that a step is about $\eta$ long
#   whatever the scale of the loss.
# - **Momentum** $\mu$ makes steps up to $1 / (1 - \mu)$ times as long where the direction is
#   constant.
# - **Batch normalisation** gives each unit the mean 0 and the variance 1 over the batch,
#   $\hat{h} = (h - \mu_B) / \sqrt{\sigma_B^2 + \epsilon}$, and then applies a learnt scale and
#   shift. It rescues a deep network of sigmoids, whose gradient otherwise vanishes on its way back.
#   Layer normalisation takes mean and variance over the units of one image instead.

# %%
optimizers = {
    "SGD": {},
    "Adagrad": {"optimizer": partial(nn.Adagrad, lr=0.02)},
    "RMSprop": {"optimizer": partial(nn.RMSprop, lr=0.001)},
    "Adam": {"optimizer": partial(nn.Adam, lr=0.002)},
}
momenta = {f"{mu:g}": sgd(lr=0.02, momentum=mu) for mu in (0, 0.5, 0.9)}
depths = {str(depth): {"sizes": (784, *[64] * depth, 10)} for depth in (1, 2, 6)}
deep = depths["6"] | {"activation": "sigmoid", "start": "xavier_uniform"}
norms = {name: deep | {"norm": name} for name in ("none", "batch", "layer")}
families = {
    "optimizer": family(optimizers, base="SGD"),
    "momentum, at learning rate 0.02": family(momenta),
    "hidden layers of ReLUs": family(depths, base="2"),
    "normalisation, in six layers of sigmoids": family(norms),
}
show(
    f"Networks on {data.title}: one thing changed at a time",
    plots.plot_effects, families,
)  # fmt: skip

# %% [markdown]
# ## What helps on new images
#
# A network learns a few examples by heart. These remedies make that harder, or give it more to
# learn from. Dropout sets each hidden unit to 0 with probability $q$ during training, and
# multiplies the others by $1 / (1 - q)$, so that no unit can rely on another. Deskewing removes
# the slant, which does not matter, from the images; new random distortions in each epoch make new
# examples.

# %%
SHOWN = train.images[:10]
rows = {
    "as they are": SHOWN,
    "deskewed": nn.deskew(SHOWN),
    "distorted": nn.Compose([nn.Affine(), nn.Elastic()])(SHOWN, np.random.default_rng(0)),
}
with canvas("Digits, deskewed, and distorted at random", height=3.3) as figure:
    for line, (name, images) in zip(figure.subplots(3, 10), rows.items()):
        for axes, image in zip(line, images):
            axes.imshow(image, cmap="Greys")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        line[0].set_ylabel(name)

# %%
FEW = 500
few = nn.Split(train.images[:FEW], train.labels[:FEW])
straight = nn.Split(nn.deskew(few.images), few.labels)
remedies = {
    "nothing": {},
    "dropout": {"dropout": 0.3},
    "weight decay": sgd(lr=0.1, weight_decay=0.003),
    "batch norm": {"norm": "batch"},
    "deskewed": {"split": straight},
    "distorted": {"augment": nn.Affine(rotate=10, scale=0.1)},
}
straight_test = nn.Split(nn.deskew(test.images), test.labels)


def accuracy(arguments, seed=0):
    """Train on FEW digits; return the accuracy on these and on new ones."""
    arguments = {"split": few} | arguments
    model, _ = experiment(seed=seed, **arguments)
    known = arguments["split"]
    new = straight_test if known is straight else test
    return nn.evaluate(model, known).accuracy, nn.evaluate(model, new).accuracy


print(f"accuracy after learning from {FEW} digits, mean and deviation over three starts")
print("               these digits     new digits")
for name, arguments in remedies.items():
    found = np.array([accuracy(arguments, seed) for seed in range(3)])
    (known, new), spread = found.mean(axis=0), found[:, 1].std()
    print(f"{name:14} {known:12.1%} {new:10.1%} ± {spread:.1%}")

# %% [markdown]
# ### Exercise 2: is a difference real?
#
# Two starts of the same training differ, too. Take the standard deviation $\sigma$ of the accuracy
# on new digits over five seeds. The means of $n$ seeds each differ by chance by about
# $\sigma \sqrt{2 / n}$. How many seeds does it take until that is a fifth of a percent?

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
sigma = np.std([accuracy({}, seed)[1] for seed in range(5)], ddof=1)
needed = max(1, int(np.ceil(2 * (sigma / 0.002) ** 2)))
print(f"deviation {sigma:.2%}: about {needed} seeds")
assert 0 < sigma < 0.03, "seeds matter, but not that much"
assert sigma * np.sqrt(2 / needed) <= 0.002

# %% [markdown]
# ## Watching a training from inside
#
# An `Observer` is a callback: at intervals it records the norms of weights and gradients,
# histograms of the weights, and the fraction of *dead* units, whose output is the same for every
# image. Observing changes no number of the training.

# %%
observer = nn.Observer(train, every=IMAGES // 64 // 20)
model, history = experiment(callbacks=[observer])
seen = observer.observations
steps = np.array([moment.step for moment in seen])
layers = {"first layer": "0.weight", "second layer": "2.weight", "last layer": "4.weight"}


def series(kind):
    """Return {layer: [its observation at each step]}."""
    return {
        title: [getattr(moment, kind)[name] for moment in seen]
        for title, name in layers.items()
    }


show(
    "784-64-64-10 during training: norms of the weights and the gradients",
    plots.plot_norms, steps, series("weights"), series("gradients"),
)  # fmt: skip
show(
    "784-64-64-10 during training: histograms of the weights",
    plots.plot_histograms, steps, series("histograms"),
)  # fmt: skip

# %% [markdown]
# ### Exercise 3: a network dies
#
# Train with the learning rate 10 and an `Observer`. The loss does not fall. What fraction of the
# last hidden layer's units is dead at the end, and why does further training not help?

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
observer = nn.Observer(train)
_, history = experiment(optimizer=partial(nn.SGD, lr=10), callbacks=[observer])
dead = observer.observations[-1].dead
print(f"loss {history.loss[-20:].mean():.2f}, dead units: {dead}")
# One huge step made all sums negative, for every image. There a ReLU is 0 and so is its
# derivative: no gradient passes, and no step changes it. Only the last biases still learn.
assert history.loss[-20:].mean() > 2
assert dead["3"] > 0.9

# %% [markdown]
# ## Answers: right, wrong, and how confident
#
# Softmax turns the outputs into probabilities. `metrics.read` does that, and keeps the labels.

# %%
found = metrics.read(nn.predict(model, test), test.labels)
print(f"{(found.answers == test.labels).mean():.1%} of the test digits are right")
show(
    "Confusion matrix",
    plots.plot_confusion, found.labels, found.answers, data.classes,
)  # fmt: skip

# %%
show(
    "The most confident mistakes",
    plots.plot_errors, test.images, found.labels, found.values, data.classes,
)  # fmt: skip

# %% [markdown]
# A network is *calibrated* if of all answers that it gives with 80 % probability, 80 % are right.
# Sort the answers into $M$ bins by their probability. The mean gap between confidence and accuracy
# is the *expected calibration error*:
#
# $$\text{ECE} = \sum_{m=1}^M \frac{n_m}{n} \, | \text{accuracy}_m - \text{confidence}_m |$$

# %%
sure = metrics.calibration(found)
show(
    "Calibration: accuracy against confidence",
    plots.plot_calibration, sure.counts, sure.confidence, sure.accuracy, sure.error,
)  # fmt: skip

# %% [markdown]
# ### Exercise 4: say no when unsure
#
# Let the network answer only the half of the test digits with the highest confidence. What fraction
# of these answers is right, and what fraction of the other half?

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
order = np.argsort(found.values.max(axis=1))
right = (found.answers == found.labels)[order]
unsure, certain = np.array_split(right, 2)
print(f"the sure half: {certain.mean():.1%} right, the unsure half: {unsure.mean():.1%}")
assert certain.mean() > unsure.mean()
assert certain.mean() > 0.98

# %% [markdown]
# ## What looks similar to the network
#
# The last hidden layer turns each digit into 64 numbers, in which the last layer has to separate
# the classes linearly. Two maps show these numbers: PCA keeps the two directions in which they
# vary most; t-SNE keeps neighbours together.

# %%
some = nn.Split(test.images[:1000], test.labels[:1000])
maps = embed(hidden(model, some))
show(
    "The last hidden layer's outputs for test digits, as two maps",
    plots.plot_embedding, maps, some.labels, found.answers[:1000], data.classes,
)  # fmt: skip

# %% [markdown]
# ## What it sees in one digit
#
# Backpropagation does not stop at the weights. One step further it gives the gradient with respect
# to the pixels, $\partial L / \partial x$, the *saliency*: where more ink would raise the loss
# (orange), and where it would lower it (blue). `trace` runs both passes for one digit and keeps
# every number.

# %%
with canvas("Where ink would raise the loss, and where it would lower it", 3.3) as figure:
    for column, index in zip(figure.subplots(2, 6).T, range(6)):
        image = test.images[index].ravel() * np.float32(test.scale)
        pass_ = trace(model, image, test.labels[index], nn.CrossEntropyLoss())
        reach = np.abs(pass_.grad).max()
        column[0].imshow(test.images[index], cmap="Greys")
        column[0].set_title(f"{test.labels[index]}: loss {pass_.loss:.2g}")
        column[1].imshow(pass_.grad.reshape(28, 28), cmap=SIGNED, vmin=-reach, vmax=reach)
        for axes in column:
            axes.axis("off")

# %% [markdown]
# `python -m np_nn.visualize pass --index 7` draws both passes of a digit.
#
# ### Exercise 5: fool the network
#
# The saliency says how to change the pixels so that the loss grows fastest: by
# $\varepsilon \, \text{sign}(\partial L / \partial x)$, the same small amount for each pixel. Take
# the test digits that are classified correctly, change each by $\varepsilon = 0.1$, a tenth of the
# range, and see how many are still right. (Goodfellow, Shlens and Szegedy 2015)

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
good = np.flatnonzero(found.answers == found.labels)[:500]
x = test.images[good].reshape(len(good), -1) * np.float32(test.scale)
loss = nn.CrossEntropyLoss()
loss(model(x), test.labels[good])
gradient = model.backward(loss.backward())
fooled = np.clip(x + np.float32(0.1) * np.sign(gradient), 0, 1)
still = (model(fooled).argmax(axis=1) == test.labels[good]).mean()
noise = np.random.default_rng(0).choice(np.float32([-0.1, 0.1]), x.shape)
random = (model(np.clip(x + noise, 0, 1)).argmax(axis=1) == test.labels[good]).mean()
print(f"still right: {still:.0%}; after random changes of the same size {random:.0%}")
assert still < random

# %% [markdown]
# ## The surface that training walks on
#
# The loss is a function of all weights, far too many to draw. But the path of a training is a
# curve in that space, and two directions, its principal components, hold most of its variance.
# Here is the loss on the plane that they span.

# %%
snapshots = Snapshots(30)
model, _ = experiment(callbacks=[snapshots])
path_taken = loss_surface.path_weights(model, snapshots.states.values())
plane = loss_surface.principal_plane(path_taken)
low, high = plane.path.min(axis=0), plane.path.max(axis=0)
margin = 0.35 * (high - low).max()
across, up = np.linspace(low - margin, high + margin, 9 if QUICK else 25).T
some = nn.Split(train.images[:500], train.labels[:500])
heights = loss_surface.loss_surface(
    model, lambda: nn.evaluate(model, some).loss, plane, across, up
)
steps = list(snapshots.states)
show(
    "The loss around the path of a training",
    plots.plot_surface, across, up, heights, plane.path, steps, plane.shares,
)  # fmt: skip

# %% [markdown]
# ## Convolution
#
# A unit of a `Linear` layer has to learn a stroke again in each place. A *convolution* has small
# sets of weights, filters, and applies each one in all places:
#
# $$y_{o,i,j} = b_o + \sum_{c,k,l} w_{o,c,k,l} \, x_{c, i+k, j+l}$$
#
# Pooling keeps the largest number of each window, so that the next filters see larger parts.

# %%
nn.manual_seed(0)
lenet = nn.Sequential(
    nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(16 * 4 * 4, 10),
)  # fmt: skip
nn.fit(
    lenet, train, nn.CrossEntropyLoss(), nn.SGD(lenet.parameters(), lr=0.05, momentum=0.9),
    steps=IMAGES // 64, batch_size=64, schedule=nn.CosineAnnealingLR(), seed=0, quiet=True,
)  # fmt: skip
print(nn.summary(lenet, (1, 28, 28)))
for name, each in {"convolutions": lenet, "Linear layers": model}.items():
    print(f"{name:13} {nn.evaluate(each, test).accuracy:.1%} of the test digits are right")

# %%
image = test.images[0] * np.float32(test.scale)
pass_ = trace(lenet, image[None], test.labels[0], nn.CrossEntropyLoss())
maps = [
    stage for stage in pass_.stages if isinstance(stage.layer, (nn.ReLU, nn.MaxPool2d))
]
stages = [(type(stage.layer).__name__, stage.output) for stage in maps]
shares = dict(zip(data.classes, nn.Softmax()(pass_.stages[-1].output[None])[0]))
show(
    "The feature maps of a digit, layer by layer",
    plots.plot_feature_maps, image, stages, shares,
)  # fmt: skip

# %% [markdown]
# ## Stopping and resuming
#
# A `Checkpoint` is a callback that saves everything the next step depends on: the weights, the
# optimizer's state, the state of the random numbers. A training resumed from it ends bit-identical
# to an uninterrupted one. A callback of your own can also end a training:


# %%
class StopAt(nn.Callback):
    """Callback that ends a training when the mean loss of the last 20 batches is low enough."""

    def __init__(self, loss):
        self.loss = loss

    def on_batch_end(self, training):
        training.stop = training.history.loss[-20:].mean() < self.loss


_, history = experiment(callbacks=[StopAt(1.0)])
print(f"stopped after {history.done} of {history.steps} batches")

# %% [markdown]
# ### Exercise 6: the same to the last bit
#
# Train `nn.mlp((784, 32, 10))` with Adam for two epochs. Then train it again for one epoch with
# `callbacks=[nn.Checkpoint(path)]`, and resume it for the second with `resume=path`. Are the
# weights the same?


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
def two_epochs(epochs, **options):
    model = nn.initialize(nn.mlp((784, 32, 10)), "torch", seed=0)
    part = nn.Split(train.images[:2000], train.labels[:2000])
    nn.fit(
        model, part, nn.CrossEntropyLoss(), nn.Adam(model.parameters()),
        epochs=epochs, batch_size=50, seed=0, quiet=True, **options,
    )  # fmt: skip
    return model.state_dict()


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "training.safetensors")
    whole = two_epochs(2)
    two_epochs(1, callbacks=[nn.Checkpoint(path)])
    resumed = two_epochs(2, resume=path)
assert all((whole[name] == resumed[name]).all() for name in whole)
print("every bit of every weight")
