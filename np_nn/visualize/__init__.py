"""Pictures of what a network does and of how it learns: python -m np_nn.visualize --help."""
