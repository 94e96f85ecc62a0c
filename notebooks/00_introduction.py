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
# # What a network is, and how it learns
#
# From a picture made of numbers to a program that reads digits: a unit, a layer, a loss, its
# gradient, and the small steps downhill that are called learning. You need a little Python and
# school mathematics. The symbols are those of docs/learn/introduction.md, and for every formula
# the library has a function that you can read.
#
# The solutions of the exercises are hidden. Try first, then compare.

# %%
import os
from html import escape

import numpy as np
from IPython.display import HTML
from sklearn.linear_model import LinearRegression

import np_nn as nn
from np_nn import plots, reference
from np_nn.plots.inline import canvas, show
from np_nn.plots.plane import boundary
from np_nn.visualize.draw.description import describe
from np_nn.visualize.draw.page import page

QUICK = os.environ.get("NP_NN_QUICK") == "1"  # small data and few steps: does it run?

# %% [markdown]
# ## A picture is 784 numbers
#
# MNIST holds 70,000 handwritten digits, $28 \times 28$ grey pixels each, from 0 (no ink) to 255.
# `load` looks for it, downloads it once if necessary, and verifies it. Offline, scikit-learn's
# smaller digits are used instead, and the note says so.

# %%
data = nn.load("digits" if QUICK else "auto", quiet=True)
train, test = data.train, data.test
print(data.note or data.title)
print(f"training: {train.images.shape} {train.images.dtype}, test: {test.images.shape}")
print(f"the first labels: {train.labels[:16]}")


# %%
def draw_digits(title, images, labels):
    """Draw up to twenty digits (n, 28, 28), ten in a row, with their labels (n,) above them."""
    lines = -(-len(images) // 10)
    with canvas(title, height=0.5 + 1.1 * lines) as figure:
        for axes, image, label in zip(figure.subplots(lines, 10).flat, images, labels):
            axes.imshow(image, cmap="Greys")
            axes.set_title(str(label))
            axes.axis("off")


draw_digits("The first twenty digits, and what they are", train.images[:20], train.labels)

# %% [markdown]
# For the computer there is no picture, only numbers. Here is the middle of the first one:

# %%
print(train.images[0, 9:19, 8:20])
print(f"{np.mean(train.images > 0):.0%} of all pixels are not 0")

# %% [markdown]
# ### Exercise 1: a reader of digits without any learning
#
# Average the training pictures of each class, which gives ten mean pictures. Then classify every
# test picture as the digit whose mean picture is nearest, by the sum of squared differences. What
# fraction is right? Anything that learns has to do better.

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
means = np.stack([train.images[train.labels == digit].mean(axis=0) for digit in range(10)])
distances = np.stack([((test.images - mean) ** 2).sum(axis=(1, 2)) for mean in means])
share = (distances.argmin(axis=0) == test.labels).mean()
print(f"{share:.1%} are right")
assert 0.8 < share < 0.95
draw_digits("The mean picture of each digit", means, range(10))

# %% [markdown]
# ## One unit: a weighted sum
#
# A unit answers with one number. It multiplies each input by a *weight* of its own, adds the
# products, and adds a number called *bias*:
#
# $$h = x_1 w_1 + x_2 w_2 + \dots + x_I w_I + b$$
#
# With three inputs, $x = (0, 0.5, 1)$, $w = (2, -1, 3)$ and $b = 0.5$, that is
# $0 \cdot 2 + 0.5 \cdot (-1) + 1 \cdot 3 + 0.5 = 3$. `Neuron` is such a unit in plain arithmetic,
# and can explain its result:

# %%
x, w, b = np.array([0, 0.5, 1]), np.array([2.0, -1, 3]), 0.5
unit = nn.Neuron(3, "identity")
unit.load_state_dict({"weight": w.reshape(1, 3), "bias": [b]})
print(unit.explain(x))

# %% [markdown]
# ## A layer: many units, one matrix product
#
# Put the weights of $O$ units side by side, as the columns of a matrix $W$, and $N$ pictures one
# below the other, as the rows of $X$. One matrix product gives all $N \cdot O$ sums:
#
# $$H = X W + b \qquad (N, O) = (N, I) \, (I, O) + (O,)$$

# %%
nn.manual_seed(0)
layer = nn.Linear(784, 5)
X = train.images[:3].reshape(3, 784) * np.float32(1 / 255)
print(f"X {X.shape}, W {layer.weight.shape}, b {layer.bias.shape}")
H = layer(X)
print(H)
assert np.allclose(H, X @ layer.weight.data + layer.bias.data, atol=1e-5)

# %% [markdown]
# ## Why a layer needs a nonlinearity
#
# Two such layers in a row gain nothing: $(X W_1) W_2 = X (W_1 W_2)$ is again a single layer. So
# a nonlinear *activation* stands between them, most often the *rectified linear unit*, ReLU, a
# line with a bend:
#
# $$a = \max(h, 0)$$
#
# Sums of bends can approximate any shape. Here is a sum of five shifted ReLUs that follows a sine.
# The bends were placed by hand and only the outer weights are fitted; a network learns both.

# %%
at = np.linspace(0, 2 * np.pi, 200)
bends = np.maximum(at[:, None] - np.linspace(0, 5, 5), 0)  # (200, 5): five hidden units
fitted = LinearRegression().fit(bends, np.sin(at)).predict(bends)
with canvas("Five bends follow a sine", height=3) as figure:
    axes = figure.add_subplot()
    axes.plot(at, np.sin(at), color="black", ls=":", label="sine")
    axes.plot(
        at, fitted, color=plots.COLOURS["numpy"], lw=2, label="weighted sum of five ReLUs"
    )
    axes.set(xlabel="input", ylabel="output")
    axes.legend()

# %% [markdown]
# ### Exercise 2: the distance from zero
#
# No weighted sum computes $|x|$, but a network of two hidden units does. Find its weights: give
# `nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))` the right ones, with
# `load_state_dict`. The names and shapes are `0.weight` (2, 1), `0.bias` (2,), `2.weight` (1, 2)
# and `2.bias` (1,).

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
distance = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
distance.load_state_dict(
    {
        "0.weight": [[1.0], [-1.0]],
        "0.bias": [0, 0],
        "2.weight": [[1.0, 1.0]],
        "2.bias": [0],
    }
)
points = np.linspace(-2, 2, 9, dtype=np.float32).reshape(-1, 1)
print(distance(points)[:, 0])  # max(x, 0) + max(-x, 0)
assert np.allclose(distance(points), np.abs(points))

# %% [markdown]
# ## From scores to probabilities, and how wrong they are
#
# The last layer has one unit per class. Its answers $z$ are scores, called *logits*. *Softmax*
# turns them into probabilities, and if $t$ is the right class, the *loss* of one picture is minus
# the logarithm of the probability that the network gave to the right class:
#
# $$p_c = \frac{e^{z_c}}{\sum_k e^{z_k}} \qquad L = -\log p_t$$
#
# It is 0 for a right answer with probability 1, and grows without bound as the right one becomes
# unlikely.
# The loss of a batch is the mean over its pictures.

# %%
z, label = np.array([[3.0, 1, 0]]), np.array([1])
print("probabilities:", nn.Softmax()(z).round(3))
for t in range(3):
    print(f"loss if the class is {t}: {nn.CrossEntropyLoss()(z, [t]):.3f}")

# %%
with canvas("Sure and wrong is what costs", height=3) as figure:
    axes = figure.add_subplot()
    probability = np.linspace(0.005, 1, 200)
    axes.plot(probability, -np.log(probability), color=plots.COLOURS["numpy"], lw=2)
    axes.plot(0.1, np.log(10), "o", color=plots.COLOURS["torch"], ms=7)
    axes.annotate(
        "knowing nothing of ten classes: log 10 = 2.30", (0.1, np.log(10)), (0.16, 2.5)
    )
    axes.set(
        xlabel="probability that the right class was given", ylabel="loss", xlim=(0, 1)
    )
    axes.set_ylim(bottom=0)

# %% [markdown]
# ### Exercise 3: before training
#
# What is the loss of a network that has learnt nothing, if all of its weights are 0? Compute it
# with `nn.mlp((784, 32, 10))`, `nn.initialize(model, "zeros", seed=0)` and `nn.evaluate`. Then
# show that softmax does not change when the same number is added to all logits.

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
nothing = nn.initialize(nn.mlp((784, 32, 10)), "zeros", seed=0)
result = nn.evaluate(nothing, test)
print(f"loss {result.loss:.4f}, log 10 = {np.log(10):.4f}, accuracy {result.accuracy:.1%}")
assert np.isclose(result.loss, np.log(10), atol=1e-4)
# The number is a factor of each exponential, and of their sum: it cancels.
assert np.allclose(nn.Softmax()(z + 7), nn.Softmax()(z))

# %% [markdown]
# ## The gradient, by hand
#
# To lower the loss we ask how it changes when a weight changes a little: its derivative. All
# derivatives together are the *gradient*. Take the unit from above with its three inputs, and let
# it give the probability that the answer is 1 rather than 0, with the logistic function (softmax
# for two classes whose logits are $h$ and 0):
#
# $$p = \frac{1}{1 + e^{-h}} \qquad L = -y \log p - (1 - y) \log (1 - p)$$
#
# The *chain rule* leads back from the loss to each weight. Two factors are enough:
#
# $$\frac{\partial L}{\partial h} = p - y \qquad \frac{\partial h}{\partial w_i} = x_i
# \qquad \text{so} \qquad \frac{\partial L}{\partial w_i} = (p - y) \, x_i \qquad
# \frac{\partial L}{\partial b} = p - y$$
#
# The gradient is the unit's answer minus the right answer, times the input: an input of 0
# contributes nothing to the mistake. If the right answer is $y = 0$:

# %%
y = 0.0
h = x @ w + b
p = 1 / (1 + np.exp(-h))
dL_dh = p - y
dL_dw, dL_db = dL_dh * x, dL_dh
print(f"h = {h:g}, p = {p:.4f}, loss {-np.log(1 - p):.4f}")
print(f"gradient of the weights {dL_dw.round(4)}, of the bias {dL_db:.4f}")

# %% [markdown]
# The library does the same: `forward` goes from the inputs to the loss, `backward` from the loss
# to the parameters, whose gradients are then in `grad`.

# %%
layer = nn.Linear.of(w.reshape(3, 1), np.array([b]))
loss = nn.BCEWithLogitsLoss()
print(f"loss {loss(layer(x[None]), np.array([[y]])):.4f}")
layer.backward(loss.backward())
print(f"weights {layer.weight.grad[:, 0].round(4)}, bias {layer.bias.grad.round(4)}")
assert np.allclose(layer.weight.grad[:, 0], dL_dw)

# %% [markdown]
# ## Is the gradient right?
#
# Never trust a gradient that you have not measured. Move one number up and down by a tiny
# $\varepsilon$. The *central difference* must equal the derivative:
#
# $$\frac{\partial L}{\partial w_i} \approx
# \frac{L(w_i + \varepsilon) - L(w_i - \varepsilon)}{2 \varepsilon}$$


# %%
def loss_of(weights):
    """Return the loss of the unit above with these weights."""
    return np.log1p(np.exp(x @ weights + b))  # -log(1 - p)


steps = 1e-6 * np.eye(3)  # one weight at a time
measured = np.array([(loss_of(w + e) - loss_of(w - e)) / 2e-6 for e in steps])
print("measured:", measured.round(4))
print("derived: ", dL_dw.round(4))

# %% [markdown]
# `gradcheck` does this for every number of a layer, a loss or a whole network:

# %%
inputs = np.random.default_rng(0).normal(size=(5, 4))
print(nn.gradcheck(nn.mlp((4, 3, 2), "tanh"), inputs))

# %% [markdown]
# ### Exercise 4: a layer of your own
#
# *Softplus* is a ReLU with a rounded corner, $a = \log (1 + e^h)$. Write it as a layer: a class
# with `forward(x)` and with `backward(grad)`, which multiplies by the derivative. `gradcheck` must
# find it right. What does it say if you forget the derivative?


# %% jupyter={"source_hidden": true} tags=["hide-cell"]
class Softplus(nn.Module):
    def forward(self, x):
        self.ctx.x = x
        return np.logaddexp(0, x)  # log(1 + e^x), without overflow

    def backward(self, grad, input_grad=True):
        return grad / (1 + np.exp(-self.ctx.x))  # the derivative is the logistic function


class Forgetful(Softplus):
    def backward(self, grad, input_grad=True):
        return grad


inputs = np.random.default_rng(1).normal(size=(2, 3))
print(nn.gradcheck(Softplus(), inputs))
print(nn.gradcheck(Forgetful(), inputs))
assert nn.gradcheck(Softplus(), inputs)
assert not nn.gradcheck(Forgetful(), inputs)

# %% [markdown]
# ## Gradient descent
#
# The gradient says in which direction the loss grows fastest. So take a small step against it,
# again and again. How small is up to the *learning rate* $\eta$:
#
# $$w \leftarrow w - \eta \frac{\partial L}{\partial w}$$
#
# Take the parabola $L = w^2$, whose derivative is $2 w$. A step multiplies $w$ by $1 - 2 \eta$:
# descent is slow if that is close to 1, oscillates if it is negative, and diverges beyond
# $\eta = 1$.


# %%
def descend(lr, steps=8):
    """Return the path (steps + 1,) of gradient descent on w^2 from w = 1."""
    weight = nn.Parameter(np.array([1.0]))
    optimizer = nn.SGD([weight], lr=lr)
    path = [1.0]
    for _ in range(steps):
        weight.grad[:] = 2 * weight.data
        optimizer.step()
        path.append(weight.data[0])
    return np.array(path)


print("lr 0.1:", descend(0.1)[:4].round(3), " lr 1.1:", descend(1.1)[:4].round(3))
with canvas("Eight steps down a parabola, and up", height=3.2) as figure:
    across = np.linspace(-2.4, 2.4, 100)
    for axes, lr in zip(figure.subplots(1, 4, sharey=True), (0.03, 0.3, 0.9, 1.05)):
        path = descend(lr)
        axes.plot(across, across**2, color="#C4C4C4")
        axes.plot(path, path**2, ".-", color=plots.COLOURS["numpy"], lw=1)
        axes.plot(1, 1, "o", color=plots.COLOURS["torch"], zorder=3)
        axes.set(title=f"learning rate {lr:g}", xlabel="w", ylim=(-0.2, 5))
    figure.axes[0].set_ylabel("loss, start in orange")

# %% [markdown]
# A line has two parameters, $h = x w + b$. The mean squared error of its answers,
# $L = \frac{1}{N} \sum_n (h_n - y_n)^2$, has the shape of a bowl over them, and gradient descent
# walks to its bottom.

# %%
rng = np.random.default_rng(0)
line_x = rng.uniform(-1, 2, (40, 1))
line_y = 2 * line_x + 1 + rng.normal(0, 0.3, (40, 1))


def fit_line(lr, steps):
    """Return (w, b) of each step, (steps + 1, 2), starting at (-1, -1)."""
    model, loss = nn.Linear.of(np.array([[-1.0]]), np.array([-1.0])), nn.MSELoss()
    optimizer = nn.SGD(model.parameters(), lr=lr)
    path = [(-1.0, -1.0)]
    for _ in range(steps):
        loss(model(line_x), line_y)
        model.backward(loss.backward())
        optimizer.step()
        path.append((model.weight.data[0, 0], model.bias.data[0]))
    return np.array(path)


path = fit_line(lr=0.1, steps=60)
print("learnt: h = {:.2f} x + {:.2f}".format(*path[-1]))

# %%
with canvas("A line is learnt: the data, and the bowl of the loss", height=3.8) as figure:
    left, right = figure.subplots(1, 2)
    left.plot(line_x, line_y, ".", color="black", label="data")
    ends = np.array([-1.0, 2.0])
    for step, look in ((0, ":"), (3, "--"), (60, "-")):
        slope, offset = path[step]
        colour = plots.COLOURS["numpy"]
        left.plot(ends, slope * ends + offset, look, color=colour, label=f"step {step}")
    left.set(xlabel="x", ylabel="y and h")
    left.legend()
    W, B = np.meshgrid(np.linspace(-1.5, 4, 80), np.linspace(-1.5, 3, 80))
    errors = line_x.ravel() * W[..., None] + B[..., None] - line_y.ravel()
    bowl = (errors**2).mean(axis=-1)
    right.contour(W, B, bowl, 0.1 * 2.0 ** np.arange(9), colors="#999999", linewidths=0.8)
    right.plot(*path.T, ".-", color=plots.COLOURS["numpy"])
    right.plot(2, 1, "*", color=plots.COLOURS["torch"], ms=13)
    right.set(xlabel="w", ylabel="b", title="the star is the line that the data came from")

# %% [markdown]
# ### Exercise 5: how large may the steps be?
#
# Along an eigenvector of the loss's second derivatives $\mathcal{H}$, with eigenvalue $\lambda$, a
# step multiplies the distance to the minimum by $1 - \eta \lambda$, as on the parabola. So steps
# grow beyond $\eta = 2 / \lambda_{\max}$. For the line,
# $\mathcal{H} = \frac{2}{N} \sum_n (x_n, 1)^T (x_n, 1)$. Compute the limit, and try 0.95 and 1.05
# of it, with 300 steps each.

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
rows = np.hstack([line_x, np.ones_like(line_x)])  # (40, 2)
limit = 2 / np.linalg.eigvalsh(2 / len(rows) * rows.T @ rows).max()
below, above = fit_line(0.95 * limit, 300)[-1], fit_line(1.05 * limit, 300)[-1]
print(f"limit {limit:.3f}: just below it (w, b) = {below.round(2)}, just above {above}")
assert np.allclose(below, np.linalg.lstsq(rows, line_y, rcond=None)[0].ravel(), atol=1e-4)
assert np.abs(above).max() > 1000

# %% [markdown]
# ## The first network that learnt
#
# Rosenblatt's *perceptron* of 1958 is a single unit that answers 1 where $h > 0$ and 0 elsewhere.
# It changes only after a mistake: $w \leftarrow w + (y - \hat{y}) \, x$, the rule that you have
# just derived, with its answer $\hat{y}$ in place of $p$. If a straight line separates the classes,
# it finds one. It does so for AND; for XOR, exclusive or, there is none.

# %%
corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
gates = {"AND": np.array([0, 0, 0, 1]), "XOR": np.array([0, 1, 1, 0])}
learnt = {name: nn.Perceptron(2).fit(corners, y, epochs=20) for name, y in gates.items()}
for name, unit in learnt.items():
    print(f"{name}: mistakes per pass {unit.mistakes}")

# %%
with canvas("One unit draws one straight line", height=3.6) as figure:
    for axes, (name, unit) in zip(figure.subplots(1, 2), learnt.items()):
        boundary(axes, unit.predict, corners, gates[name])
        right = (unit.predict(corners) == gates[name]).sum()
        axes.set(title=f"{name}: {right} of 4 right", xlabel="x1", ylabel="x2")
        axes.set(xticks=[0, 1], yticks=[0, 1])

# %% [markdown]
# ### Exercise 6: XOR with two units in between
#
# A network of two ReLUs can do what the perceptron cannot. Find weights for
# `nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))` whose output is the XOR of its
# inputs. A hint: one unit may count the ones, and the other detect that both inputs are 1.

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
xor = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
xor.load_state_dict(
    {"0.weight": [[1, 1], [1, 1]], "0.bias": [0, -1], "2.weight": [[1, -2]], "2.bias": [0]}
)
print(xor(corners.astype(np.float32))[:, 0])  # max(x1 + x2, 0) - 2 max(x1 + x2 - 1, 0)
assert np.allclose(xor(corners.astype(np.float32))[:, 0], gates["XOR"])

# %% [markdown]
# ## All together: reading digits
#
# One layer of ten units, without a hidden layer, is the smallest network for digits. `fit` repeats
# this: draw a random batch, go forward, compute the loss, go backward, make a step. The test digits
# are never trained on.


# %%
def learn(model):
    """Train on the digits in batches of 32, and print how well it went."""
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    history = nn.fit(
        model, train, nn.CrossEntropyLoss(), optimizer,
        epochs=20 if QUICK else 3, batch_size=32, seed=0, quiet=True,
    )  # fmt: skip
    print(f"loss {history.loss[0]:.2f} at first, {history.loss[-50:].mean():.2f} at last")
    print(f"accuracy on the test digits: {nn.evaluate(model, test).accuracy:.1%}")


nn.manual_seed(0)
ten = nn.Sequential(nn.Linear(784, 10))
learn(ten)

# %% [markdown]
# Each unit has a weight for every pixel, so its weights are a picture: orange where ink is
# evidence for the digit, blue where it is evidence against it. See how the middle of the 0 has to
# stay empty.

# %%
weights = ten[0].weight.data.T.reshape(10, 28, 28)
show("What each of the ten units looks for, 0 to 9", plots.plot_filters, weights)

# %% [markdown]
# With a hidden layer of ReLUs in between, the network is not limited to one pattern per digit:

# %%
nn.manual_seed(0)
bends = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
learn(bends)

# %% [markdown]
# ## Your own digits
#
# The same network as a page on which you can draw a digit. Its pixels, the 128 units, the ten
# logits and the probabilities follow the pen. Then choose the digit that you meant: the gradient
# flows back to the pixels, and *Update the weights* makes one step downhill. What does it change?
#
# Outside a notebook, `np-nn draw` writes such a page (docs/use/draw.md); with the WebAssembly
# kernels (docs/kernels/wasm.md) the page can also train.

# %%
bends.info = nn.ModelInfo.of(data)
drawn = escape(page("The network of this notebook", describe(bends.eval())))
frame = '<iframe title="A digit to draw" width="100%" height="900" srcdoc="{}"></iframe>'
HTML(f"<p>{frame.format(drawn)}</p>")

# %% [markdown]
# ### Exercise 7: a picture that fools it
#
# Draw a 4. Choose 9 as the digit that you meant, and update the weights until the network agrees.
# How many steps does it take, with a rate of 0.01 and of 0.1? Clear the pad, draw another 4, and
# other digits: what else has changed? *Reset* restores the weights. Then do the same in Python,
# with a 4 of the test digits.

# %% jupyter={"source_hidden": true} tags=["hide-cell"]
x = np.float32(test.images[test.labels == 4][:1].reshape(1, 784) / 255)
loss, optimizer = nn.CrossEntropyLoss(), nn.SGD(bends.train().parameters(), lr=0.01)
before, steps = nn.evaluate(bends, test).accuracy, 0
while bends(x).argmax() != 9 and steps < 1000:
    loss(bends(x), np.array([9]))
    bends.backward(loss.backward())
    optimizer.step()
    steps += 1
after = nn.evaluate(bends, test).accuracy
print(f"{steps} steps; accuracy on the test digits {before:.1%} before, {after:.1%} after")
assert 0 < steps < 1000  # one picture is learnt quickly, and others are forgotten

# %% [markdown]
# Every formula above is a few lines in one folder, `np_nn/reference/`, and the next notebook
# writes all of it from scratch: forward, backward and update in plain NumPy.

# %%
for name in ("linear_forward", "relu_forward", "cross_entropy_forward"):
    print(f"{name}: {getattr(reference, name).__doc__.splitlines()[0]}")
