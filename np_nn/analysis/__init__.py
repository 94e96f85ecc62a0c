"""Analysis of networks: summary, gradient check, trace, metrics, loss surface, embedding."""
