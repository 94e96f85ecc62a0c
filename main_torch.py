"""Train the same network in PyTorch: same weights, same batches, same report.

The same as np-nn train-torch: its steps and its training loop are in
np_nn/commands/train_torch.py.
"""

from np_nn import cli


def main(argv=None):
    from np_nn.commands import train_torch  # here, where cli.run reports a missing PyTorch

    return train_torch.main(argv)


if __name__ == "__main__":
    cli.run(main)
