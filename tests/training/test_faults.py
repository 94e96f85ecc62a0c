"""Crash-safe files: a short run of faults.py, and the order of the calls that write a file."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

import np_nn as nn
from np_nn.utils import archive, files

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_no_kill_and_no_failing_call_loses_a_training():
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.support.faults", "--kills", "20", "--rounds", "2",
            "--rank-kills", "0",
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    numbers = [int(number) for number in re.findall(r"(?<!\S)\d+(?!\S)", done.stdout)]
    kills, ended, *lost = numbers[:4]
    failures, *wrong = numbers[4:8]
    read, torn, *_ = numbers[8:]  # tests/team/ kills ranks
    assert kills >= 20
    assert ended > 1
    assert failures > 30
    assert read > 0
    assert [*lost, *wrong, torn] == [0] * 6


def test_the_content_is_on_the_disk_before_the_name_and_the_name_after(tmp_path, monkeypatch):
    """A power failure cannot be tested, but the order of calls that protects against it can."""
    calls = []

    def noting(name):
        real = getattr(os, name)

        def call(*arguments, **options):
            calls.append(name)
            return real(*arguments, **options)

        return call

    for name in ("open", "write", "fsync", "close", "replace"):
        monkeypatch.setattr(os, name, noting(name))
    files.write_file(tmp_path / "file", b"content")
    monkeypatch.undo()
    written = ["open", "write", "fsync", "close"]
    assert calls == [*written, "replace", "open", "fsync", "close"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_full_disk_for_real_leaves_the_old_file(tmp_path):
    """A limit on the size of files stands in for a full disk."""
    resource = pytest.importorskip("resource", reason="this system sets no limits")
    path = tmp_path / "run"
    archive.write(path, {"which": "old"})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(nn.NpNNError, match=f"cannot write {path}: File too large"):
            archive.write(path, {"which": "new", "more": "x" * 100_000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert archive.read(path) == {"which": "old"}
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_what_killed_runs_left_behind_is_removed_but_not_what_is_being_written(tmp_path):
    path = tmp_path / "run"
    old, new = (tmp_path / f".run.{name}{files.PART}" for name in ("old", "new"))
    for part in (old, new):
        part.write_bytes(b"half")
    long_ago = time.time() - 2 * files.STALE_SECONDS
    os.utime(old, (long_ago, long_ago))
    files.write_file(path, b"content")
    assert sorted(tmp_path.iterdir()) == [new, path]


def test_where_there_are_no_hard_links_versions_are_copied(tmp_path, monkeypatch):
    def no_link(*arguments):
        raise OSError("this disk has no links")

    monkeypatch.setattr(os, "link", no_link)
    for number in range(4):
        files.write_file(tmp_path / "run", str(number).encode(), keep=3)
    content = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert content == {"run": "3", "run.1": "2", "run.2": "1"}
