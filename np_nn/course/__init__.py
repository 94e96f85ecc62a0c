"""Course: ten files with holes, which rebuild the library piece by piece, and their check."""
