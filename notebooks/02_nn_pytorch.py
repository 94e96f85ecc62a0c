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
# # The same network in PyTorch
#
# PyTorch computes gradients automatically. Here it starts from the same weights as np_nn and gets
# the same batches, so both can be compared at every step: first its autograd alone, then `torch.nn`
# and `torch.optim`, then whole trainings. Finally, weights are exchanged in both directions.
#
# This notebook needs PyTorch: `pip install torch`.

# %%
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn import ops, plots
from np_nn.data.batches import Batches
from np_nn.plots.inline import canvas

try:
    import torch

    from np_nn import torch_twin
except ImportError:
    sys.exit("this notebook needs PyTorch: pip install torch")

QUICK = os.environ.get("NP_NN_QUICK") == "1"  # small data and few steps: does it run?
BLUE, ORANGE = plots.COLOURS["numpy"], plots.COLOURS["torch"]

data = nn.load("digits" if QUICK else "auto", quiet=True)
train, test = data.train, data.test
print(data.note or data.title)

# %% [markdown]
# ## Autograd: the automatic backward pass
#
# PyTorch records each operation on a tensor with `requires_grad=True`. `loss.backward()` goes
# through this record in reverse and applies the chain rule to each operation. The results in
# `.grad` equal those of the table of formulas in the previous notebook, for the network
#
# $$A = \max(X W_1 + b_1, 0) \qquad Z = A W_2 + b_2 \qquad
# L = -\frac{1}{N} \sum_n \log \, \text{softmax}(Z_n)_{t_n}$$

# %%
nn.manual_seed(0)
model = nn.mlp((784, 32, 10)).to(np.float64)
X = train.images[:64].reshape(64, -1) / 255
labels = train.labels[:64]

ours = nn.CrossEntropyLoss()
print(f"np_nn    loss {ours(model(X), labels):.15f}")
model.backward(ours.backward())

W1, b1, W2, b2 = (torch.tensor(p.data, requires_grad=True) for p in model.parameters())
A = torch.relu(torch.tensor(X) @ W1 + b1)
Z = A @ W2 + b2
loss = -torch.log_softmax(Z, dim=1)[torch.arange(64), torch.tensor(labels)].mean()
print(f"PyTorch  loss {loss.item():.15f}")
loss.backward()

for (name, parameter), tensor in zip(model.named_parameters().items(), (W1, b1, W2, b2)):
    error = np.abs(parameter.grad - tensor.grad.numpy()).max()
    print(f"{name:9} largest difference of the gradients {error:.0e}")
    assert error < 1e-12

# %% [markdown]
# ### Exercise 1: gradients add up
#
# Compute the loss in PyTorch once more and call `backward()` again, without clearing anything.
# What happens to `W1.grad`? What does np_nn do? This is why each training loop in PyTorch has a
# line `optimizer.zero_grad()`.

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
once, ours_once = W1.grad.clone(), model[0].weight.grad.copy()
Z = torch.relu(torch.tensor(X) @ W1 + b1) @ W2 + b2
torch.nn.functional.cross_entropy(Z, torch.tensor(labels)).backward()
ours(model(X), labels)
model.backward(ours.backward())
print("PyTorch adds to what is there; np_nn overwrites it.")
assert torch.allclose(W1.grad, 2 * once)
assert np.allclose(model[0].weight.grad, ours_once)

# %% [markdown]
# ### Exercise 2: an operation of your own
#
# Write Softplus, $\log(1 + e^x)$, as a `torch.autograd.Function`: `forward(ctx, x)` keeps what is
# needed with `ctx.save_for_backward`, `backward(ctx, grad)` multiplies by the derivative. Check it
# with `torch.autograd.gradcheck`, which np_nn's is named after.


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log1p(torch.exp(x))

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * torch.sigmoid(x)


numbers = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
assert torch.autograd.gradcheck(Softplus.apply, numbers)
assert torch.allclose(Softplus.apply(numbers), torch.nn.functional.softplus(numbers))
print("right")

# %% [markdown]
# ## `torch.nn` and `torch.optim`: the twin
#
# In practice nobody writes $X W + b$. `torch.nn` has layers, `torch.optim` has optimizers, and
# np_nn's have the same names, arguments and `state_dict`. So `np_nn.torch_twin` can build the
# PyTorch counterpart of a model, with copies of its weights, by looking up names.

# %%
nn.manual_seed(0)
model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)).to(np.float64)
optimizer = nn.Adam(model.parameters(), lr=0.002)

torch_model = torch_twin.module(model)
torch_optimizer = torch_twin.optimizer(optimizer, torch_model.parameters())
torch_loss = torch_twin.loss(ours)
print(torch_model)
print(type(torch_optimizer).__name__, "and", torch_loss)

# %% [markdown]
# Now both train on the same batches. Compare the two: PyTorch's `backward()` is a method of the
# loss and knows the network from the recorded operations; np_nn passes the gradient of the loss to
# the model. The optimizer is Adam, in which each weight has a mean $m$ of its gradients $g$ and a
# mean $v$ of their squares:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1) \, g \qquad
# v \leftarrow \beta_2 v + (1 - \beta_2) \, g^2$$
#
# $$w \leftarrow w - \eta \, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}$$

# %%
STEPS = 60 if QUICK else 200
in_np_nn, in_torch = [], []
for batch in Batches(len(train), 64, steps=STEPS, seed=0):
    X, labels = train.images[batch].reshape(len(batch), -1) / 255, train.labels[batch]

    in_np_nn.append(ours(model(X), labels))
    model.backward(ours.backward())
    optimizer.step()

    torch_optimizer.zero_grad()
    loss = torch_loss(torch_model(torch.tensor(X)), torch.tensor(labels))
    loss.backward()
    torch_optimizer.step()
    in_torch.append(loss.item())

in_np_nn, in_torch = np.array(in_np_nn), np.array(in_torch)
print(f"last loss: np_nn {in_np_nn[-1]:.12f}, PyTorch {in_torch[-1]:.12f}")
assert np.allclose(in_np_nn, in_torch, rtol=1e-6)

# %%
with canvas("One training, twice: the losses coincide", height=3.8) as figure:
    left, right = figure.subplots(1, 2)
    left.plot(in_np_nn, color=BLUE, lw=5, alpha=0.4, label="np_nn")
    left.plot(in_torch, "--", color=ORANGE, lw=1.2, label="PyTorch")
    left.set(title="loss of each batch", xlabel="step")
    left.legend()
    right.semilogy(np.abs(in_np_nn - in_torch), ".", color="black")
    right.set(title="their difference, where it is not 0", xlabel="step")

# %% [markdown]
# The two round differently, as they sum in different orders. Such differences may grow during
# training; in float64 they stay negligible.
#
# ### Exercise 3: the network as a class
#
# In most PyTorch code a network is a class with its own `forward`. Write one with the
# layers `first` and `last` (784, 64 and 10 wide), give it the weights of `model.state_dict()`, and
# show that its outputs for the test digits are those of `nn.predict(model, test)`.


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(784, 64)
        self.last = torch.nn.Linear(64, 10)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


names = {"0.weight": "first.weight", "0.bias": "first.bias"}
names |= {"2.weight": "last.weight", "2.bias": "last.bias"}
state = {
    names[name]: torch.tensor(array).float() for name, array in model.state_dict().items()
}
net = Net()
net.load_state_dict(state)
with torch.no_grad():
    outputs = net(torch.tensor(test.images.reshape(len(test), -1)) / 255)
assert np.allclose(outputs.numpy(), nn.predict(model, test), atol=1e-3)
right = outputs.argmax(dim=1).numpy() == test.labels
print(f"{right.mean():.1%} of the test digits are right")

# %% [markdown]
# ## Exchanging weights
#
# A file name that ends in `.pt` makes a file for `torch.load`; with `weights_only=True` reading it
# runs no code. `load_weights` reads PyTorch's files of a `state_dict`, always in this way.

# %%
with tempfile.TemporaryDirectory() as folder:
    ours_file, theirs_file = (Path(folder, "from_np_nn.pt"), Path(folder, "from_torch.pt"))

    nn.save_weights(model.to(np.float32), ours_file)
    state = torch.load(ours_file, weights_only=True)
    print({name: tuple(tensor.shape) for name, tensor in state.items()})
    torch_model = torch_model.float()
    torch_model.load_state_dict(state)

    torch.save(torch_model.state_dict(), theirs_file)
    back = nn.load_weights(nn.mlp((784, 64, 10)), theirs_file)

for name, array in model.state_dict().items():
    assert (back.state_dict()[name] == array).all(), "not a bit is lost"
print(f"after the round trip: {nn.evaluate(back, test).accuracy:.1%} right")

# %% [markdown]
# ## Side by side: how long does a step take?
#
# 784-512-10, batches of 256, SGD, in float32 as usual, with the same start for all. The times are
# those of your machine; they are reproducible if nothing else runs on it.

# %%
BATCHES = list(Batches(len(train), 256, steps=10 if QUICK else 100, seed=0))
print(f"np_nn: {ops.describe()}, {ops.threads} threads")
print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")


def fresh():
    return nn.initialize(nn.mlp((784, 512, 10)), "kaiming_normal", seed=0)


def time_np_nn(kernels):
    """Return the milliseconds per step and the losses."""
    nn.use(kernels)
    model = fresh()
    history = nn.fit(
        model, train, nn.CrossEntropyLoss(), nn.SGD(model.parameters(), lr=0.1),
        steps=len(BATCHES), batch_size=256, seed=0, quiet=True,
    )  # fmt: skip
    nn.use("auto")
    return history.step_ms_median, history.loss


def time_torch():
    """Return the same for PyTorch, whose batches are gathered from a tensor."""
    model = torch_twin.module(fresh())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    images = torch.tensor(train.images.reshape(len(train), -1))
    labels, times, losses = torch.tensor(train.labels), [], []
    for batch in BATCHES:
        start = time.perf_counter()
        optimizer.zero_grad()
        x = images[batch].float() / 255
        loss = torch_loss(model(x), labels[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        times.append(time.perf_counter() - start)
    return 1e3 * np.median(times), np.array(losses)


measured = {"PyTorch": time_torch(), "np_nn, NumPy": time_np_nn("numpy")}
if ops.KERNELS:
    measured["np_nn, compiled"] = time_np_nn("compiled")
for name, (ms, losses) in measured.items():
    print(f"{name:16} {ms:6.2f} ms per step, loss at the end {losses[-1]:.4f}")
    assert np.allclose(losses, measured["PyTorch"][1], rtol=1e-2)

# %%
with canvas("Milliseconds per training step (less is better)", height=2.2) as figure:
    axes = figure.add_subplot()
    colours = [plots.COLOURS[word] for word in ("torch", "numpy", "compiled")]
    bars = axes.barh(list(measured), [ms for ms, _ in measured.values()], color=colours)
    axes.bar_label(bars, fmt="{:.2f} ms", padding=4)
    axes.invert_yaxis()
    axes.set(xticks=[], xmargin=0.2)
    axes.grid(False)

# %% [markdown]
# ### Exercise 4: where does the time go?
#
# The forward pass of a layer is one product, $X W$, of $N \cdot I \cdot O$ multiplications; the
# backward pass is two, $X^T dH$ and $dH \, W^T$. Time the forward pass alone and the backward pass
# alone for one batch of 256: repeat each 20 times and take the median. Why does backward not take
# twice as long?

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
model, x = fresh(), train.images[:256].reshape(256, -1) * np.float32(1 / 255)
passes = {"forward": [], "backward": []}
for _ in range(20):
    start = time.perf_counter()
    ours(model.forward(x), train.labels[:256])
    middle = time.perf_counter()
    model.backward(ours.backward(), input_grad=False)
    passes["forward"].append(middle - start)
    passes["backward"].append(time.perf_counter() - middle)
for name, times in passes.items():
    print(f"{name:9} {1e3 * np.median(times):.2f} ms")
# The first layer needs only the first of the two products, as the gradient of the pixels is not
# needed; and that layer does nearly all of the work.
first, last = 256 * 784 * 512, 256 * 512 * 10
assert first + 2 * last < 1.02 * (first + last)
