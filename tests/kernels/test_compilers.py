"""The kernels' C code with every installed compiler: no warnings; and counting register spills."""

import shutil

import pytest

from tests.support.compilers import FAMILIES, KERNELS, compiled
from tests.support.spills import Loop, loops

pytestmark = pytest.mark.kernel_independent
COMPILERS = ("gcc", "clang", "aarch64-linux-gnu-gcc", "s390x-linux-gnu-gcc")
STRICT = ("-Wall", "-Wextra", "-Werror", "-fsyntax-only")


@pytest.mark.parametrize("compiler", COMPILERS)
def test_no_family_has_a_warning(compiler):
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    assert FAMILIES.keys() == {path.stem for path in KERNELS.glob("*/*.pyx")}
    for family in FAMILIES:
        assert compiled(family, [compiler], *STRICT).stderr == ""


X86 = """
product:
\tsubq\t$40, %rsp
.L2:
\tmovl\t8(%rsp), %ecx
.L3:
\tvmovups\t(%rdi,%rax), %ymm1
\tvmovaps\t%ymm2, 16(%rsp)
\tvfmadd231ps\t%ymm0, %ymm1, %ymm3
\taddq\t24(%rsp), %rax
\tcmpq\t%rax, %rdx
\tjne\t.L3
\tdecl\t%ecx
\tjne\t.L2
\tret
"""
ARM = """
product:
.LBB0_1:
\tldr\tq1, [x0, x2]
\tldr\tq2, [sp, #16]
\tfmla\tv3.4s, v1.4s, v2.s[0]
\tb.ne\t.LBB0_1
\tret
framed:
\tmov\tx29, sp
.L9:
\tstr\tx3, [x29, 24]
\tbl\tother
\tcbnz\tx4, .L9
"""


def test_spills_of_an_innermost_loop_are_counted():
    assert loops(X86) == [Loop("product", 6, 1, 0, vector_spills=1, other_spills=1)]
    assert loops(ARM) == [
        Loop("product", 4, 1, 0, vector_spills=1, other_spills=0),
        Loop("framed", 3, 0, 1, vector_spills=0, other_spills=1),
    ]
