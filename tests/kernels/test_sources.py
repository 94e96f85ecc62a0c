"""The kernels' files: their folders, what they may include, and what a change compiles again."""

import importlib.util
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel_independent
ROOT = Path(__file__).resolve().parents[2]
KERNELS = ROOT / "kernels"
SHARED = ("common", "simd")
PROGRAMS = "wasm"  # C programs without Python, of all families; not an extension
FAMILIES = sorted(path.parent.name for path in KERNELS.rglob("*.pyx"))
# What a family may include from another one: mlp trains batch norm inside its steps.
BORROWED = {"mlp": {"norm/types.h", "norm/batch_loops.h"}}
LINE = re.compile(r'^\s*(?:#\s*include|include|cdef extern from)\s+"([^"]+)"', re.M)
LOOPS = re.compile(r'^#define NN_INNER_LOOPS "([^"]+)"', re.M)
FILES = sorted(
    path
    for path in KERNELS.rglob("*")
    if path.suffix in (".h", ".pxi", ".pyx") and path.parent.name != PROGRAMS
)


# The families in the table of headers below; a new family needs no line there.
FIRST = {"convolution", "mlp", "norm", "pointwise", "pooling", "warp"}


@pytest.fixture(scope="module")
def setup():
    """Return setup.py as a module, which builds nothing when imported."""
    spec = importlib.util.spec_from_file_location("setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # its paths are relative, as in a source distribution
        spec.loader.exec_module(module)
        yield module


def included(path):
    """Return the files that a file includes, relative to kernels/, with its inner loops."""
    text = path.read_text("utf-8")
    return LINE.findall(text) + LOOPS.findall(text)


def stale(setup, header):
    """Return the extensions that are rebuilt when a header changes."""
    path = Path("kernels", header)
    return {source.stem for source in setup.SOURCES if path in setup.headers(source)}


def test_every_file_is_in_a_familys_folder():
    assert {path.name for path in KERNELS.iterdir()} == {*SHARED, *FAMILIES, PROGRAMS, "README.md"}
    assert {path.parent.name for path in FILES} == {*SHARED, *FAMILIES}
    assert all(path.parent.parent == KERNELS for path in FILES)
    for family in FAMILIES:
        assert [path.name for path in (KERNELS / family).glob("*.pyx")] == [f"{family}.pyx"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KERNELS)))
def test_a_file_includes_its_family_and_what_is_shared(path):
    folder = path.parent.name
    for name in included(path):
        assert (KERNELS / name).is_file(), f"{name}: includes are written from kernels/ on"
        allowed = {folder, *SHARED} if folder not in SHARED else {folder}
        assert name.split("/")[0] in allowed or name in BORROWED.get(folder, ())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KERNELS)))
def test_kernels_import_nothing_of_np_nn(path):
    assert not re.search(r"\b(?:c?import|from)\s+np_nn", path.read_text("utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(KERNELS)))
def test_no_name_is_a_macro_of_windows(path):
    """common/team.h includes windows.h, which defines these words as macros."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*|#.*?$", "", path.read_text("utf-8"), flags=re.S | re.M)
    assert not re.search(r"\b(?:near|far|NEAR|FAR)\b", code)


def test_sources_and_headers_are_found(setup):
    assert [source.stem for source in setup.SOURCES] == list(FAMILIES)
    reached = {ROOT / path for source in setup.SOURCES for path in setup.headers(source)}
    assert reached | {ROOT / source for source in setup.SOURCES} == set(FILES)


@pytest.mark.parametrize(
    ("header", "extensions"),
    [
        ("warp/warp.h", {"warp"}),
        ("warp/warp_loops.h", {"warp"}),  # included through a macro
        ("pooling/pooling.h", {"pooling"}),
        ("mlp/steps.pxi", {"mlp"}),
        ("mlp/types.h", {"mlp"}),
        ("norm/norm.h", {"norm"}),
        ("norm/types.h", {"norm", "mlp"}),
        ("norm/batch_loops.h", {"norm", "mlp"}),
        ("common/windows.pxi", {"convolution", "pooling"}),
        ("simd/transpose.h", {"convolution", "mlp"}),
        ("simd/activations.h", {"mlp", "pointwise"}),
        ("simd/random.h", {"mlp", "pointwise"}),
        ("simd/sums.h", {"convolution", "norm", "pointwise"}),
        ("simd/vectors.h", FIRST - {"warp"}),
        ("common/arrays.pxi", FIRST),
        ("common/cpu.h", FIRST),
        ("common/dispatch.h", FIRST),
        ("common/atomics.h", FIRST),
        ("common/extension.pxi", FIRST),
        ("common/openmp.h", FIRST),
        ("common/team.h", FIRST),
        ("common/threads.h", FIRST),
        ("common/types.h", FIRST),
    ],
)
def test_a_changed_header_compiles_those_again_that_include_it(setup, header, extensions):
    assert stale(setup, header) & FIRST == extensions


def test_a_header_of_a_family_makes_that_family_stale(setup):
    for path in FILES:
        folder, name = path.parent.name, str(path.relative_to(KERNELS))
        if folder in FAMILIES and path.suffix != ".pyx":
            others = {other for other, names in BORROWED.items() if name in names}
            assert stale(setup, name) - others == {folder}


def test_an_extension_depends_on_its_headers_alone(setup):
    extensions = setup.declared()
    assert [extension.name for extension in extensions] == [f"np_nn._kernels.{f}" for f in FAMILIES]
    for extension in extensions:
        source, *headers = map(Path, extension.depends)
        assert [str(source)] == extension.sources
        assert headers == setup.headers(source)


def test_on_windows_kernels_are_built_on_request_alone(setup, monkeypatch):
    monkeypatch.delenv("NP_NN_STRICT", raising=False)
    with monkeypatch.context() as patch:
        patch.setattr(setup.os, "name", "nt")
        built = setup.extensions()
    assert built == []


@pytest.mark.parametrize("path", [p for p in FILES if "NN(kernels) = {" in p.read_text("utf-8")],
                         ids=lambda path: path.name)  # fmt: skip
def test_tables_name_their_functions(path):
    """Tables have designated initialisers, and their types name the parameters."""
    text = path.read_text("utf-8")
    table = re.search(r"static const (\w+) NN\(kernels\) = \{\n(.*?)\n\};", text, re.S)
    assert all(re.match(r"\s+\.\w+ = ", line) for line in table[2].splitlines())
    (struct,) = [
        found[0]
        for header in path.parent.glob("*.h")
        for found in re.finditer(r"typedef struct \{[^}]*\} (\w+);", header.read_text("utf-8"))
        if found[1] == table[1]
    ]
    for parameters in re.findall(r"\(\*\w+(?:\[\w+\])?\)\(([^)]*)\)", struct):
        assert all(re.search(r"\w[ *]+\w+$", one.strip()) for one in parameters.split(","))


def test_the_tables_are_found():
    found = [p for p in FILES if "NN(kernels) = {" in p.read_text("utf-8")]
    assert {path.parent.name for path in found} >= FIRST
