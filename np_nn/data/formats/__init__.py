"""Readers of the user's own data: a file for each format, all of which return a Found."""
