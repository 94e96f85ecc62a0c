"""Looking inside a network: summary, gradient check, trace, metrics, loss surface, embedding."""
