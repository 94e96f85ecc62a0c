"""Counter-based random numbers, without state: number i of a key is a function of i and the key.

So a kernel can compute them in any order, on any number of threads, and dropout's backward
pass draws its mask again instead of storing it. Source: Salmon et al. 2011, Parallel random
numbers: as easy as 1, 2, 3. The mixing function is Wellons' triple32 (hash-prospector, 2018).
"""

import numpy as np


def _mix(h):
    """Hash h (uint32 array, changed in place) so that each bit depends on every input bit."""
    for shift, factor in ((17, 0xED5AD4BB), (11, 0xAC4C1B51), (15, 0x31848BAB)):
        h ^= h >> np.uint32(shift)
        h *= np.uint32(factor)
    h ^= h >> np.uint32(14)
    return h


def _random_bits(places, key):
    """Return a key's (int, 64 bits) random numbers at `places`: uint32 arrays of one shape."""
    low, high = np.uint32(key & 0xFFFFFFFF), np.uint32(key >> 32 & 0xFFFFFFFF)
    return _mix(_mix(places ^ low) + high)


def kept_by_dropout(places, p, key):
    """Return whether ``dropout`` keeps the elements at `places`: uint32 (K,) -> bool (K,)."""
    return _random_bits(places, key) >= int(p * 2**32)


def dropout(x, p, key, out):
    """Set a share p of x to 0 and divide the rest by 1 - p, which keeps the expected sum.

    x and out: any shape; element i is dropped if random number i of the key is below p * 2^32.
    The backward pass is the same function of the gradient. Source: Srivastava et al. 2014.
    """
    kept = kept_by_dropout(np.arange(x.size, dtype=np.uint32), p, key)
    np.multiply(x, 1 / (1 - p), out=out)
    out *= kept.reshape(x.shape)
    return out


def gaussian_noise(x, std, key, out):
    """Compute out = x + std * normal random numbers, by Box and Muller 1958.

    Number i: sqrt(-2 log u) cos(2 pi v), with u and v from the key's numbers 2 i and 2 i + 1.
    """
    bits = _random_bits(np.arange(2 * x.size, dtype=np.uint32), key).reshape(-1, 2).astype(x.dtype)
    u, v = (bits[:, 0] + 1) / 2**32, bits[:, 1] / 2**32
    normal = np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)
    np.multiply(normal.reshape(x.shape), std, out=out)
    out += x
    return out
