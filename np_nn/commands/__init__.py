"""Commands of the program np-nn, one per module: ``main(argv)`` returns the exit status."""
