"""The forward-forward algorithm: a deep network that learns without a backward pass.

Hinton 2022, The Forward-Forward Algorithm: the first ten pixels of an image name a label. Each
layer has a loss of its own: its goodness, the sum of its squared activities, should be above a
threshold if the label is right, and below it if the label is wrong. No gradient passes from layer
to layer. The answer is the label of largest goodness. Backpropagation trains the same layers.
"""

import sys
import time

import common
import numpy as np

import np_nn as nn

BATCH, LABELS = 50, np.eye(10, dtype=np.float32)
RATE = nn.CosineAnnealingLR()  # (step, steps) -> share of the learning rate, from 1 to 0


def adam(model):
    """Return the optimizer: the same for a layer, for the classifier and for backpropagation."""
    return nn.AdamW(model.parameters(), lr=1e-3, weight_decay=0.3)


class Layer(nn.Sequential):
    """Linear layer with ReLU that learns by itself: it has a loss and an optimizer of its own.

    The loss is binary cross-entropy, on the logit (goodness - threshold) / temperature.
    """

    def __init__(self, inputs, units, seed):
        super().__init__(nn.Linear(inputs, units), nn.ReLU())
        nn.initialize(self, "kaiming_normal", seed)  # the goodness starts at the threshold
        self.threshold, self.temperature = units, units / 30
        self.loss, self.optimizer = nn.BCEWithLogitsLoss(), adam(self)

    def gradient(self, x, right):
        """Compute the gradient of the layer's loss; return the activities (N, units).

        right (N,): 1 for images with the right label, 0 for images with a wrong one.
        """
        activity = self(x)
        goodness = (activity**2).sum(axis=1)
        self.loss((goodness - self.threshold) / self.temperature, right)
        grad = 2 * activity * self.loss.backward()[:, None] / self.temperature
        self.backward(grad, input_grad=False)  # of this layer; no gradient goes further down
        return activity


class ForwardForward:
    """Layers that learn one by one, and a classifier of the activities of all but the first.

    Its answer is the label of largest goodness; the classifier's answer takes only one pass.
    """

    def __init__(self, sizes, seed):
        self.layers = [Layer(*sizes[i : i + 2], seed + i) for i in range(len(sizes) - 1)]
        self.classifier = nn.Linear(sum(sizes[2:]), 10)
        self.loss, self.optimizer = nn.CrossEntropyLoss(), adam(self.classifier)
        self.rng = np.random.default_rng(seed)

    def learn(self, x, labels, rate):
        """Make one step on images x (N, pixels). rate: share of the learning rate."""
        logits = self.logits(x)
        self.loss(logits, labels)
        self.classifier.backward(self.loss.backward(), input_grad=False)
        self.optimizer.step(rate * self.optimizer.lr)

        logits[np.arange(len(x)), labels] = -np.inf  # wrong labels, the likely ones more often
        wrong = (logits + self.rng.gumbel(size=logits.shape)).argmax(axis=1)
        x = np.concatenate([labelled(x, LABELS[labels]), labelled(x, LABELS[wrong])])
        right = np.repeat(np.float32([1, 0]), len(labels))
        for layer in self.layers:
            x = normalize(layer.gradient(x, right))
            layer.optimizer.step(rate * layer.optimizer.lr)

    def activities(self, x, label):
        """Return the activities (N, units) of each layer but the first."""
        found = [labelled(x, label)]
        for layer in self.layers:
            found.append(layer(normalize(found[-1])))
        return found[2:]

    def logits(self, x):
        """Return the classifier's outputs (N, 10): one pass, with a neutral label."""
        return self.classifier(np.hstack([normalize(a) for a in self.activities(x, 0.1)]))

    def goodness(self, x):
        """Return the goodness of each label (N, 10): ten passes."""
        tried = [np.hstack(self.activities(x, label)) for label in LABELS]
        return np.stack([(activity**2).sum(axis=1) for activity in tried], axis=1)


def normalize(x):
    """Scale rows (N, units) to a mean square of 1, which hides the goodness of the layer below."""
    return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-8)


def labelled(x, label):
    """Return normalized images (N, pixels) with the label (N, 10) in the first ten pixels."""
    x = x.copy()
    x[:, :10] = label
    return normalize(x)


def forward_forward(model, train, test, epochs):
    """Train on a pair (x, labels); return the test errors of one pass, in % after each epoch."""
    (x, labels), errors = train, []
    for epoch in range(epochs):
        batches = np.array_split(model.rng.permutation(len(x)), len(x) // BATCH)
        for i, batch in enumerate(batches, epoch * len(batches)):
            model.learn(x[batch], labels[batch], RATE(i, epochs * len(batches)))
        errors.append(100 * (model.logits(test[0]).argmax(axis=1) != test[1]).mean())
        print(f"forward-forward, epoch {epoch + 1}: {errors[-1]:.2f}%", file=sys.stderr, flush=True)
    return errors


def backpropagation(model, train, test, epochs):
    """Train the same layers and an output layer; return the same as `forward_forward`."""
    history = nn.fit(
        model, train, nn.CrossEntropyLoss(), adam(model), epochs=epochs, batch_size=BATCH,
        schedule=RATE, validation=test,
    )  # fmt: skip
    if history.interrupted:
        raise KeyboardInterrupt
    return [100 * (1 - found.accuracy) for _, found in history.validation]


def main(argv=None):
    args = common.arguments(__doc__, argv, layers=3, units=500, epochs=30, seed=1)
    sizes = (784, *[100 if args.quick else args.units] * args.layers)
    epochs = 15 if args.quick else args.epochs
    data = common.digits(args)
    train, test = (
        (split.images.reshape(-1, 784) * np.float32(split.scale), split.labels)
        for split in (data.train, data.test)
    )
    title = f"{data.title}, {'-'.join(map(str, sizes))}, {epochs} epochs"
    print(title, "method           published   ours   time", sep="\n")
    nn.manual_seed(args.seed)
    model, start = nn.mlp((*sizes, 10)), time.perf_counter()
    theirs = backpropagation(model, train, test, epochs)
    seconds = time.perf_counter() - start
    print(f"backpropagation      1.40% {theirs[-1]:5.2f}% {seconds:4.0f} s", flush=True)
    model, start = ForwardForward(sizes, args.seed), time.perf_counter()
    before = model.goodness(test[0])
    ours = forward_forward(model, train, test, epochs)
    seconds, after = time.perf_counter() - start, model.goodness(test[0])
    error = 100 * (after.argmax(axis=1) != test[1]).mean()
    print(f"forward-forward      1.36% {error:5.2f}% {seconds:4.0f} s")
    print(f"the same, one pass       - {ours[-1]:5.2f}%")
    if not args.no_plots:
        with common.picture(args, "14_forward_forward", title, height=3.4) as figure:
            draw(figure, before, after, test[1], theirs, ours)


def draw(figure, before, after, labels, theirs, ours):
    left, right = figure.subplots(1, 2)
    wrong = np.where(LABELS[labels] > 0, -np.inf, 0)
    for name, found, color in (("before", before, common.GREY), ("after", after, common.BLUE)):
        margin = found[np.arange(len(labels)), labels] - (found + wrong).max(axis=1)
        left.hist(margin, 60, label=f"{name} training", color=color, alpha=0.7)
    left.set(title="goodness: right label minus best wrong one", yticks=[])
    right.plot(range(1, len(ours) + 1), theirs, color=common.ORANGE, label="backpropagation")
    right.plot(range(1, len(ours) + 1), ours, color=common.BLUE, label="forward-forward, one pass")
    right.set(title="test error in %", xlabel="epoch", ylim=(0, 5))
    for axes in (left, right):
        axes.legend()


if __name__ == "__main__":
    common.run(main)
