"""MNIST: 784-100-10 with plain SGD reads 95 % of new digits after 25 epochs.

The network, the loop and the settings (learning rate 0.01, batches of 64) that most first lessons
use. The pixels are scaled to 0..1, the hidden units are ReLUs. Nothing here is tuned: main_np.py
and its recipes show how to be faster and better.
"""

import common

import np_nn as nn


def main(argv=None):
    args = common.arguments(__doc__, argv)
    data = common.digits(args)
    nn.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(784, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
    history = nn.fit(
        model,
        data.train,
        nn.CrossEntropyLoss(),
        nn.SGD(model.parameters(), lr=0.01),
        epochs=10 if args.quick else 25,
        batch_size=64,
        validation=data.test,  # tested after each epoch, but nothing is chosen by it
        seed=0,
        quiet=args.quick,
    )
    if history.interrupted:
        raise KeyboardInterrupt  # fit keeps what was learnt, but this example shows whole epochs

    accuracies = [result.accuracy for _, result in history.validation]
    for epoch in (1, 5, 10, 15, 20, 25):
        if epoch <= len(accuracies):
            print(f"epoch {epoch:>2}: {accuracies[epoch - 1]:.4f} of the test digits are right")
    print(f"{data.title}: {accuracies[-1]:.2%} after {history.train_seconds:.1f} s of training")
    if not args.no_plots:
        training = history.accuracy.reshape(len(accuracies), -1).mean(axis=1)
        draw(training, accuracies, data, nn.predict(model, data.test).argmax(axis=1), args)


def draw(training, test, data, answers, args):
    title = f"{data.title}, 784-100-10: {test[-1]:.2%} after {len(test)} epochs"
    with common.picture(args, "07_mnist", title, height=3.6) as figure:
        left, right = figure.subfigures(1, 2)
        axes, epochs = left.subplots(), range(1, len(test) + 1)
        axes.plot(epochs, training, "--", color=common.BLUE, label="training, while learning")
        axes.plot(epochs, test, color=common.BLUE, lw=2, label="test, after each epoch")
        axes.set(title="accuracy", xlabel="epoch")
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.legend(loc="lower right")

        wrong = (answers != data.test.labels).nonzero()[0]
        shown = [*range(10), *wrong[wrong >= 10][:5]]  # the first ten, and the next mistakes
        for axes, index in zip(right.subplots(3, 5).flat, shown, strict=False):
            answer, label = answers[index], data.test.labels[index]
            colour = "black" if answer == label else common.ORANGE
            text = f"{answer}" if answer == label else f"{answer}, not {label}"
            axes.imshow(data.test.images[index], cmap="Greys")
            axes.set_title(text, color=colour, loc="center")
            axes.axis("off")


if __name__ == "__main__":
    common.run(main)
