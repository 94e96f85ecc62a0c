"""Files of the user as modules: any fault is one line with its place."""

import pytest

from np_nn.utils.errors import NpNNError
from np_nn.utils.user_code import guard, load_module

pytestmark = pytest.mark.kernel_independent


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"1 +", "line 1: SyntaxError: invalid syntax"),
        (b"\n\nimport nowhere", "line 3: ModuleNotFoundError: No module named 'nowhere'"),
        (b"def f():\n    raise KeyError(3)\nf()", "line 2: KeyError: 3"),
        (b"x = 1\x00", "null bytes"),
        (b"x = '\xff'", "SyntaxError: "),
    ],
)
def test_a_file_that_is_no_module_is_refused_with_its_line(content, line, tmp_path):
    path = tmp_path / "mine.py"
    path.write_bytes(content)
    with pytest.raises(NpNNError) as error:
        load_module(path)
    assert line in str(error.value)
    assert "None" not in str(error.value)


def test_a_module_is_loaded_and_no_cache_is_written(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def half(x):\n    return x / 2")
    module = load_module(path)
    assert module.half(4) == 2
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(NpNNError, match=r"line 2: TypeError: .*"):
        guard(path)(lambda: module.half("x"))
    with pytest.raises(NpNNError, match="outside of the file: ZeroDivisionError"):
        guard(path)(lambda: 1 / 0)
