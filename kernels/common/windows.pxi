# Pairs (rows, columns) that the kernels of convolution and pooling take, and the check that their
# arrays share no memory.

from operator import index

DEF MOST = 1 << 24  # maximum stride and padding


cdef (int64_t, int64_t) _pair(object pair, str name, int64_t least) except *:
    cdef int64_t first, second
    try:
        first, second = map(index, pair)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be two whole numbers, got {pair!r}") from None
    if not (least <= first <= MOST and least <= second <= MOST):
        raise ValueError(f"{name} must be {least} to {MOST}, got {pair}")
    return first, second


cdef int _all_apart(const Array **arrays, tuple names, int written, int places) except -1:
    """Check that the first `written` arrays share no memory; number `places` has bytes."""
    cdef int i, j
    cdef const Array *a
    cdef const Array *b
    for i in range(written):
        for j in range(len(names)):
            a, b = arrays[i], arrays[j]
            if i != j and a.size and b.size and (
                    <char *>a.data < <char *>b.data + b.size * (1 if j == places else 4)
                    and <char *>b.data < <char *>a.data + a.size * (1 if i == places else 4)):
                raise ValueError(f"{names[i]} must not share memory with {names[j]}")
    return 0
