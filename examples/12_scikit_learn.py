"""scikit-learn's MLPClassifier and ours: only one import changes.

Parameters, attributes and random numbers are scikit-learn's, so the same network is trained on
the same batches. Ours differs in its time, and adds to scikit-learn's dropout, class weights,
callbacks, and the loss of the samples that early stopping holds out.
"""

import time
import warnings

import common
import numpy as np
from sklearn.exceptions import ConvergenceWarning

SETTINGS = {"hidden_layer_sizes": (100,), "random_state": 0}


def load(args):
    """Return (title, x, y, x_test, y_test); x: (n, 784) float64 of 0..1, usual in scikit-learn."""
    data = common.digits(args)
    x, x_test = (split.images.reshape(len(split), -1) / 255 for split in (data.train, data.test))
    return data.title, x, data.train.labels, x_test, data.test.labels


def train(classifier, x, y):
    """Fit a classifier; return it and the seconds taken."""
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few epochs are enough here
        classifier.fit(x, y)
    return classifier, time.perf_counter() - started


def main(argv=None):
    args = common.arguments(__doc__, argv)
    title, x, y, x_test, y_test = load(args)
    settings = SETTINGS | {"max_iter": 8 if args.quick else 10}

    from sklearn.neural_network import MLPClassifier

    theirs = train(MLPClassifier(**settings), x, y)

    from np_nn import MLPClassifier

    ours = train(MLPClassifier(**settings), x, y)

    for name, (classifier, seconds) in {"scikit-learn": theirs, "np_nn": ours}.items():
        score, loss = classifier.score(x_test, y_test), classifier.loss_
        print(f"{name:<12} {seconds:6.2f} s  test accuracy {score:.4f}  training loss {loss:.4f}")
    print(f"the same network, {theirs[1] / ours[1]:.1f} times as fast")
    same = np.mean(ours[0].predict(x_test) == theirs[0].predict(x_test))
    print(f"both give the same answer to {same:.2%} of the test digits")

    more = {"dropout": 0.3, "early_stopping": True, "max_iter": 30 if args.quick else 20}
    dropped, seconds = train(MLPClassifier(**{**SETTINGS, **more}), x, y)
    print(
        f"with dropout and early stopping: test accuracy {dropped.score(x_test, y_test):.4f} "
        f"after {dropped.n_iter_} epochs, {seconds:.2f} s"
    )
    if not args.no_plots:
        draw(theirs, ours, dropped, title, args)


def draw(theirs, ours, dropped, title, args):
    title = f"{title}, 784-100-10: one import changed"
    with common.picture(args, "12_scikit_learn", title, height=3.4) as figure:
        left, middle, right = figure.subplots(1, 3)
        epochs = range(1, 1 + len(ours[0].loss_curve_))
        left.plot(epochs, theirs[0].loss_curve_, color=common.ORANGE, lw=5, alpha=0.5)
        left.plot(epochs, ours[0].loss_curve_, color=common.BLUE, lw=1.5)
        left.set(title="training loss: the same", xlabel="epoch", ylim=0)

        seconds = {"np_nn": ours[1], "scikit-learn": theirs[1]}
        middle.barh(list(seconds), seconds.values(), color=[common.BLUE, common.ORANGE], height=0.5)
        for row, value in enumerate(seconds.values()):
            middle.text(value, row, f" {value:.2g} s", va="center")
        middle.set(title="seconds of training", xlim=(0, 1.25 * max(seconds.values())))
        middle.grid(False)

        epochs = range(1, 1 + dropped.n_iter_)
        right.plot(epochs, dropped.loss_curve_, "--", color=common.BLUE, label="in training")
        right.plot(epochs, dropped.validation_loss_curve_, color=common.BLUE, label="held out")
        right.set(title="loss with dropout 0.3", xlabel="epoch", ylim=0)
        right.legend()


if __name__ == "__main__":
    common.run(main)
