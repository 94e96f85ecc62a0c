# Work space that kernels borrow for the duration of a call: see common/workspace.h.

cdef extern from "common/workspace.h" nogil:
    void *nn_borrow(size_t)
    void nn_give_back(void *)


cdef inline void *_borrow(int64_t bytes) except NULL:
    """Return `bytes` bytes plus one cache line for alignment."""
    cdef void *space = nn_borrow(<size_t>bytes + 64)
    if space == NULL:
        raise MemoryError(f"no {bytes + 64} bytes of work space")
    return space
