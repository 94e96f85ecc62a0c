"""A page on which a digit is drawn, and a network's passes are followed in every number."""
