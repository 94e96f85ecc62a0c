"""Helpers that know nothing of networks: errors, files, archives, checks, seeds, progress."""
