"""The command np-nn reproduce: published rows trained again, published beside our results."""
