"""Work of the estimators after each epoch: curves, learning rate, and stopping."""

import numpy as np

from np_nn.training.callbacks import Callback

SLOWER, SLOWEST = 5, 1e-6  # "adaptive" divides the rate by SLOWER, and stops at SLOWEST or below


class Epochs(Callback):
    """Callback that updates an estimator's attributes after each epoch, as scikit-learn does.

    score: None, or a function () -> (score, loss) of the held-out samples, which is monitored
    instead of the training loss. After training, ``converged`` is True if it stopped for lack of
    improvement; ``best`` holds the parameters with the best score, if `score` is given.
    """

    def __init__(self, estimator, n, score=None):
        self.estimator, self.n, self.score = estimator, n, score
        self.converged = False
        self.best = None

    def on_epoch_end(self, training):
        it = self.estimator
        it.n_iter_ += 1
        it.t_ += self.n
        it.loss_ = training.history.measures(training.epoch - 1)["loss"]
        it.loss_curve_.append(it.loss_)
        self._print(f"Iteration {it.n_iter_}, loss = {it.loss_:.8f}")
        if self.score:
            self._validate(training)
        else:
            self._count(it.best_loss_ - it.loss_ < it.tol)
            it.best_loss_ = min(it.best_loss_, it.loss_)
        if it.solver == "sgd" and it.learning_rate == "invscaling":
            rate = it.learning_rate_init / (it.t_ + 1) ** it.power_t
            self._set_rate(rate, training.optimizer)
        if it._no_improvement_count > it.n_iter_no_change:
            self._give_up(training)

    def _validate(self, training):
        it = self.estimator
        score, loss = self.score()
        it.validation_scores_.append(score)
        it.validation_loss_curve_.append(loss)
        self._print(f"Validation score: {score:.6f}")
        self._count(score < it.best_validation_score_ + it.tol)
        if score > it.best_validation_score_:
            it.best_validation_score_ = score
            self.best = [p.data.copy() for p in training.model.parameters()]

    def _count(self, no_better):
        it = self.estimator
        it._no_improvement_count = it._no_improvement_count + 1 if no_better else 0

    def _give_up(self, training):
        it, optimizer = self.estimator, training.optimizer
        what = "Validation score" if self.score else "Training loss"
        why = f"{what} did not improve more than tol={it.tol:f} for {it.n_iter_no_change} "
        why += "consecutive epochs."
        if it.solver == "sgd" and it.learning_rate == "adaptive" and optimizer.lr > SLOWEST:
            self._set_rate(optimizer.lr / SLOWER, optimizer)
            self._print(f"{why} Setting learning rate to {optimizer.lr:f}")
            it._no_improvement_count = 0
        else:
            self._print(f"{why} Stopping.")
            self.converged = training.stop = True

    @staticmethod
    def _set_rate(rate, optimizer):
        """Set the learning rate without changing the accumulated step.

        scikit-learn's velocity includes the learning rate, np_nn's does not: it is rescaled here.
        """
        for moments in optimizer.moments:
            for velocity in moments:
                velocity *= np.asarray(optimizer.lr / rate, velocity.dtype)
        optimizer.lr = rate

    def _print(self, text):
        if self.estimator.verbose:
            print(text)
