"""One run of a Recipe: what its settings mean to ``fit``, and training it from start to verdict."""

import np_nn as nn
from np_nn import losses, models, optim
from np_nn.cli import report
from np_nn.optim import limits, schedules
from np_nn.recipes.prepare import augmentation


def fit_options(settings, data):
    """What ``fit`` is told besides the model, the loss and the optimizer.

    settings: a Recipe; data: a Dataset, prepared for it.
    """
    return {
        **settings.plan,
        "schedule": schedules.build(settings),
        "augment": augmentation(settings),
        "limits": limits.build(settings),
        "validation": data.validation,
        "early_stopping": nn.EarlyStopping(settings.patience) if settings.patience else None,
    }


def train(settings, data, seed, input="auto", quiet=False):
    """Train a Recipe from one seed as main_np.py does; returns a report.Result.

    data: prepared for the settings. Where the published figure is that of the epoch that was best
    on the test set, so is the result: the test set then is tried after each epoch. After Ctrl-C
    the result is that of the steps so far, and its history says ``interrupted``. Raises what
    ``fit`` raises, DivergedError above all.
    """
    model = models.build(settings, data, seed)
    loss = losses.build(settings, data)
    optimizer = optim.build(settings, model.parameters())
    options = fit_options(settings, data)
    if settings.best_on_test:
        options["validation"] = data.test
    history = nn.fit(
        model, data.train, loss, optimizer, **options, seed=seed, input=input, quiet=quiet
    )
    test = nn.evaluate(model, data.test, loss, input=input)
    if settings.best_on_test:
        tried = [result for _, result in history.validation]
        test = max([*tried, test], key=lambda result: result.accuracy)
    return report.Result(seed, history, test)
