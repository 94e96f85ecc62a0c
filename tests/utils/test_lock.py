"""The lock of a file: one holder at a time, nothing left behind, freed when a holder is killed."""

import subprocess
import sys
import time

import pytest

import np_nn as nn
from np_nn.utils.lock import locked

pytestmark = pytest.mark.kernel_independent


def test_an_error_releases_the_lock(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "file"):
        raise ZeroDivisionError
    with locked(tmp_path / "file"):
        assert [path.name for path in tmp_path.iterdir()] == [".file.lock"]
    assert not list(tmp_path.iterdir())


def test_a_killed_holder_releases_the_lock(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from np_nn.utils.lock import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, tmp_path / "file"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        started = time.monotonic()
        with locked(tmp_path / "file"):
            assert time.monotonic() - started < 30


def test_a_folder_that_is_missing_is_one_line(tmp_path):
    with (
        pytest.raises(nn.NpNNError, match=r"cannot lock .*file: No such file"),
        locked(tmp_path / "gone" / "file"),
    ):
        pass
