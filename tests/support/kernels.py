"""Comparison of compiled kernels with their references, for the tests of tests/kernels/.

The arrays have any alignment, as NumPy's may, and end where their memory ends, so that `make
sanitize` detects a read beyond them. Every kernel runs on one to four threads, even for little
work, and must give the same bytes each time.
"""

import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from np_nn import ops, reference

ROOT = Path(__file__).resolve().parents[2]
SIZES = (1, 2, 7, 10, 16, 17, 33, 100, 129, 513)
COUNTS = (1, 2, 3, 9, 31, 33, 64, 130, 257)

# Fewer where every instruction set gets its turn.
EXAMPLES = 8 if os.environ.get("NP_NN_ISA") else 25
some = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
sizes, counts = st.sampled_from(SIZES), st.sampled_from(COUNTS)
seeds = st.integers(0, 2**32 - 1)


def extension(name):
    """Return the module np_nn._kernels.NAME; skip the calling file if it is not built.

    Raises ImportError instead if NP_NN_STRICT is 1.
    """
    try:
        return importlib.import_module(f"np_nn._kernels.{name}")
    except ImportError:
        if os.environ.get("NP_NN_STRICT") == "1":
            raise
        pytest.skip("the compiled kernels are not built", allow_module_level=True)


def provided(module):
    """Return the names of a module's kernels; check that they have their references' signatures."""
    names = [name for name in sorted(ops.REFERENCE) if hasattr(module, name)]
    for name in names:
        expected = [*inspect.signature(getattr(reference, name)).parameters, "threads"]
        assert list(inspect.signature(getattr(module, name)).parameters) == expected
    return names


def anywhere(array, offset):
    """Return a copy that begins `offset` elements into its memory and ends at the memory's end."""
    memory = np.empty(array.size + offset, array.dtype)
    copy = memory[offset:].reshape(array.shape)
    copy[...] = array
    return copy


def duplicate(given, offset=0, seen=None):
    """Return a deep copy; an array that occurs twice is copied once."""
    seen = {} if seen is None else seen
    if isinstance(given, np.ndarray):
        if id(given) not in seen:
            seen[id(given)] = anywhere(given, offset)
        return seen[id(given)]
    if isinstance(given, tuple | list):
        items = [duplicate(item, offset, seen) for item in given]
        return type(given)(*items) if hasattr(given, "_fields") else type(given)(items)
    return given


def arrays(given):
    """Return every array and number in nested tuples and lists, in order."""
    if isinstance(given, tuple | list):
        return [array for item in given for array in arrays(item)]
    return [np.asarray(given)] if isinstance(given, np.ndarray | float) else []


def bytes_of(given):
    return [array.tobytes() for array in arrays(given)]


def close(got, want, tolerance):
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    # a loss near 0 is not more accurate than one of 0.1
    scale = np.abs(want).max(initial=0.1, where=np.isfinite(want))
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * scale)


def check(name, *arguments, tolerance=1e-5):
    """Assert that a kernel changes copies of the arguments as its reference does.

    Arguments that the reference leaves unchanged must keep every bit; scratch may hold anything
    afterwards. One to four threads must give the same bytes.
    """
    function, kernel = getattr(reference, name), ops.KERNELS[name]
    parameters = list(inspect.signature(function).parameters)
    arguments = list(arguments)

    def run(call, offset, *more):
        given = duplicate(arguments, offset)
        result = call(*given, *more)
        kept = [g for g, p in zip(given, parameters, strict=True) if p != "scratch"]
        return arrays(kept), arrays(result), result

    before = arrays([g for g, p in zip(arguments, parameters, strict=True) if p != "scratch"])
    want, want_results, returned = run(function, 0)
    got, results, result = run(kernel, 0, 1)
    assert type(result) is type(returned)
    assert len(results) == len(want_results)
    for old, w, g in zip(before, want, got, strict=True):
        if w.tobytes() == old.tobytes():
            assert g.tobytes() == old.tobytes(), "an input was changed"
        close(g, w, tolerance)
    for w, g in zip(want_results, results, strict=True):
        close(g, w, tolerance)
    for threads in (1, 2, 3, 4):
        again, again_results, _ = run(kernel, threads - 1, threads)
        assert bytes_of(again) == bytes_of(got), f"{threads} threads give other bytes than 1"
        assert bytes_of(again_results) == bytes_of(results)


def normal(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def empty(*shape):
    return np.full(shape, 7.25, np.float32)


def pixels(rng, count, width):
    """Return uint8 images with a fifth of nonzero pixels; some images are empty, some are full."""
    density = rng.choice([0, 0.2, 0.2, 0.2, 1], size=(count, 1))
    return (rng.integers(1, 256, (count, width)) * (rng.random((count, width)) < density)).astype(
        np.uint8
    )


def in_place(name, arguments, places, written):
    """Assert that a kernel gives the same bytes if its out is one of its inputs.

    places: positions of these arrays among the arguments; written: position of out.
    """
    kernel = ops.KERNELS[name]
    apart = duplicate(arguments)
    kernel(*apart, 1)
    for place in places:
        for threads in (1, 3):
            again = duplicate(arguments)
            again[written] = again[place]
            kernel(*again, threads)
            for i, (got, want) in enumerate(zip(again, apart, strict=True)):
                if i != place:
                    assert bytes_of([got]) == bytes_of([want])


# ---- Invalid arguments ----------------------------------------------------------------------


def refused(name, arguments, message):
    """Assert that a kernel raises ValueError with this message and changes nothing."""
    before = bytes_of(list(arguments.values()))
    with pytest.raises(ValueError, match=message):
        ops.KERNELS[name](*arguments.values(), 2)
    assert bytes_of(list(arguments.values())) == before


def wrong_arrays(array):
    """Return (invalid array, error message) for each possible fault."""
    longer = np.zeros((*array.shape[:-1], array.shape[-1] + 2), array.dtype)
    return [
        (array.astype(float), "must be .* got float64"),
        (array[None], "must be .* dimension"),
        (array.reshape(-1)[:-1], "must be .* dimension|numbers"),
        (np.repeat(array, 2, -1)[..., ::2], "not contiguous"),
        (longer, "fit|shape|numbers"),
        (longer[..., :0].copy(), "fit|shape|numbers"),
        (array[:1].copy(), "fit|shape|numbers"),
        ("x", "must be .* got str"),
    ]


def wrong_pairs(key):
    """Return invalid strides or kernels (at least 1), or invalid paddings (at least 0)."""
    least = int(key != "padding")
    return [
        (least - 1, 1), (1, least - 1), (2**25, 1), (1, 2**70), 1, (1, 1, 1), None, ("a", 1),
        (1.5, 1),
    ]  # fmt: skip


def frozen(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def overlapping(arguments, first, second):
    """Return the arguments, with the last 4 bytes of one shared with the first 4 of another."""
    a, b = arguments[first], arguments[second]
    memory = np.zeros(a.nbytes + b.nbytes - 4, np.uint8)
    return arguments | {
        first: memory[: a.nbytes].view(a.dtype).reshape(a.shape),
        second: memory[a.nbytes - 4 :].view(b.dtype).reshape(b.shape),
    }


# ---- Processes ------------------------------------------------------------------------------


def python(*arguments, **environment):
    """Run Python in the repository's root and return its CompletedProcess."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | environment,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
