"""Training shared by several processes, with the same bits on any number of them."""

from np_nn.team.team import Team

__all__ = ["Team"]
