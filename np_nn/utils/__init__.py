"""Helpers independent of networks: errors, files, archives, checks, seeds, progress."""
