# Functions of every extension about itself, and what it does at import.
#
# Included after the family's own header, which defines the inner loops that common/dispatch.h
# needs.

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New

cdef extern from "common/cpu.h" nogil:
    const int NN_SETS
    const char *const nn_set_names[]
    int nn_cpu_set()

cdef extern from "common/dispatch.h" nogil:
    void nn_select_isa()
    const char *nn_isa_name()

cdef extern from "common/threads.h" nogil:
    void nn_set_work_per_thread(double)
    void *nn_team_in_use()
    void nn_use_team(void *)


nn_select_isa()


def isa():
    """Return the chosen instruction set, one of sets()."""
    return nn_isa_name().decode()


def sets():
    """Return the instruction sets of this CPU architecture, the best first."""
    return tuple([nn_set_names[i].decode() for i in range(NN_SETS)])


def cpu_sets():
    """Return the members of sets() that this CPU and its operating system support."""
    return sets()[nn_cpu_set():]


def team():
    """Return the thread team in use, for `use_team` of the other extensions."""
    return PyCapsule_New(nn_team_in_use(), "np_nn team", NULL)


def use_team(capsule):
    """Use the thread team that `team` of another extension returned."""
    nn_use_team(PyCapsule_GetPointer(capsule, "np_nn team"))


def set_work_per_thread(double multiplications):
    """Set the work, in multiply-adds, that is worth one more thread; for tests."""
    nn_set_work_per_thread(multiplications)
