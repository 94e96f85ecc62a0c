"""Table A: results of the original np_nn, which gave the project its name, and of geohot.

Raw pixels, no biases, plain SGD, batches drawn with replacement. The NumPy and the PyTorch rows
differ in the initialization only.
"""

from np_nn.recipes.recipe import Recipe

_NP_NN = "README of willxxy/np_nn"
_GEOHOT = "geohot/ai-notebooks, mnist_from_scratch.ipynb"
_SMALL = {"hidden": (128,), "batch_size": 128, "steps": 1000}

ORIGINAL = (
    Recipe("np_nn", "np_nn, NumPy", _NP_NN, 0.9805, table="A"),
    Recipe("geohot", "geohot, NumPy", _GEOHOT, 0.9635, table="A", **_SMALL),
    Recipe("np_nn_torch", "np_nn, PyTorch", _NP_NN, 0.9633, table="A", init="torch"),
    Recipe("geohot_torch", "geohot, PyTorch", _GEOHOT, 0.9288, table="A", init="torch", **_SMALL),
)
