# Work space for kernels that need some while they run.
#
# One block per process that grows and stays, so that a call costs no page faults. Whoever
# comes while it is lent (another thread, while this one works without the GIL) gets a block
# of its own.

from libc.stdlib cimport free, malloc

cdef void *_space = NULL
cdef size_t _space_bytes = 0
cdef bint _lent = False


cdef void *_borrow(int64_t bytes) except NULL:
    global _space, _space_bytes, _lent
    cdef void *block
    cdef size_t wanted = <size_t>bytes + 64
    if not _lent and wanted <= _space_bytes:
        _lent = True
        return _space
    block = malloc(wanted)
    if block == NULL:
        raise MemoryError(f"no {wanted} bytes of work space")
    if not _lent:
        free(_space)
        _space, _space_bytes, _lent = block, wanted, True
    return block


cdef void _give_back(void *block) noexcept:
    global _lent
    if block == _space:
        _lent = False
    else:
        free(block)
