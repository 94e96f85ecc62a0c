"""Readers of the user's own data, one file per format; each returns a Found."""
