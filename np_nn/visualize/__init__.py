"""Pictures of what a network does and of how it learns: np-nn visualize --help."""
