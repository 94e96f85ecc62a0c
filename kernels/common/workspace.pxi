# Work space for kernels that need some while they run: see common/workspace.h.

cdef extern from "common/workspace.h" nogil:
    void *nn_borrow(size_t)
    void nn_give_back(void *)


cdef inline void *_borrow(int64_t bytes) except NULL:
    """Return `bytes` bytes and one more cache line, to align them in."""
    cdef void *space = nn_borrow(<size_t>bytes + 64)
    if space == NULL:
        raise MemoryError(f"no {bytes + 64} bytes of work space")
    return space
