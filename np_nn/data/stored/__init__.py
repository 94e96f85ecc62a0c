"""Stored sets: data on disk, larger than memory, from which networks train without copies.

`store` (store.py) pours samples, a shard at a time, into a folder of plain arrays (layout.py,
writing.py); `read` (reading.py) maps them into memory as the images (images.py) of a Dataset.
"""
