"""Table B: optimizers and batch sizes, on a network of logistic units with squared error.

The source's error is half the squared one, summed over the batch. Ours is MSELoss, without the
half, so that plain gradient descent has half the published learning rate here. Adagrad and Adam
do not care: they divide by the gradient's size.
"""

from np_nn.recipes.recipe import Recipe

_SOURCE = "Mr-TalhaIlyas, Neural-Network-from-Scratch-using-Numpy"
_NETWORK = {
    "hidden": (100, 100),
    "activation": "sigmoid",
    "output": "sigmoid",
    "bias": True,
    "init": "fan_out_normal",
    "loss": "mse:reduction=sum",
    "targets": (0.01, 0.99),
    "scale": 0.99 / 255,
    "shift": 0.01,
    "replacement": False,
    "steps": None,
}


def _row(name, title, batch, lr, epochs, accuracy, seconds, optimizer, **changes):
    return Recipe(
        name, f"{title}, batch {batch}", _SOURCE, accuracy, seconds, "B",
        **{**_NETWORK, "batch_size": batch, "lr": lr, "epochs": epochs, "optimizer": optimizer},
        **changes,
    )  # fmt: skip


def _descent(name, title, batch, lr, *rest, **changes):
    return _row(name, title, batch, lr / 2, *rest, **changes)


SIGMOID = (
    _descent("gd_60000", "gradient descent", 60000, 1e-6, 2500, 0.9035, 3036, "sgd"),
    _descent("gd_1000", "gradient descent", 1000, 1e-4, 500, 0.9589, 503, "sgd"),
    _descent("gd_1", "gradient descent", 1, 0.01, 20, 0.972, 403, "sgd"),
    _descent("momentum_60000", "momentum", 60000, 1e-6, 2500, 0.9009, 3021, "sgd:momentum=0.8"),
    _descent("momentum_1000", "momentum", 1000, 1e-4, 500, 0.9685, 527, "sgd:momentum=0.7"),
    _descent("momentum_1", "momentum", 1, 0.01, 20, 0.972, 679, "sgd:momentum=0.9"),
    _row("adagrad_60000", "Adagrad", 60000, 0.1, 150, 0.9019, 186, "adagrad:eps=1e-8"),
    _row("adagrad_100", "Adagrad", 100, 0.1, 100, 0.9577, 137, "adagrad:eps=1e-8"),
    _row("adagrad_1", "Adagrad", 1, 0.1, 5, 0.9478, 280, "adagrad:eps=1e-8"),
    _row("adam_60000", "Adam", 60000, 1e-4, 2000, 0.91, 2397, "adam:betas=[0.9,0.99]"),
    _row("adam_100", "Adam", 100, 1e-3, 250, 0.9685, 680, "adam"),
    _row("adam_1", "Adam", 1, 1e-4, 15, 0.9668, 2726, "adam"),
)
