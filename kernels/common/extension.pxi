# What every extension tells about itself, and what it does when it is imported.
#
# Included after the family's own header: common/dispatch.h needs the names of its inner loops.

import os

cdef extern from "common/cpu.h" nogil:
    const int NN_SETS
    const char *const nn_set_names[]
    int nn_cpu_set()

cdef extern from "common/dispatch.h" nogil:
    void nn_select_isa()
    const char *nn_isa_name()

cdef extern from "common/threads.h" nogil:
    const int NN_OPENMP
    void nn_after_fork()
    void nn_set_work_per_thread(double)


def _after_fork():
    nn_after_fork()


nn_select_isa()
if hasattr(os, "register_at_fork"):
    # An OpenMP runtime's threads do not survive fork: one thread serves in the child.
    os.register_at_fork(after_in_child=_after_fork)


def isa():
    """Return the chosen instruction set, one of sets()."""
    return nn_isa_name().decode()


def sets():
    """Return the instruction sets of this kind of CPU, the best first."""
    return tuple([nn_set_names[i].decode() for i in range(NN_SETS)])


def cpu_sets():
    """Return those of sets() that this CPU, and its operating system, support."""
    return sets()[nn_cpu_set():]


def openmp():
    """Return whether the kernels were built with OpenMP, and so can use more than one thread."""
    return bool(NN_OPENMP)


def set_work_per_thread(double multiplications):
    """Set the work, in multiply-adds, that is worth one more thread; for tests."""
    nn_set_work_per_thread(multiplications)
