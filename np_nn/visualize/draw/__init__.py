"""Page to draw a digit on, which shows every number of a network's passes."""
