"""Train a neural network in NumPy on MNIST, and compare it with the published result.

The same as np-nn train: its steps are in np_nn/commands/train.py, the training loop in
np_nn/training/fit.py.
"""

from np_nn import cli
from np_nn.commands.train import main

if __name__ == "__main__":
    cli.run(main)
