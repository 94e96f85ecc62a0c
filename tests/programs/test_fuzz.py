"""A short run of fuzz.py, which mutates files and options; and it detects faults."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import np_nn as nn
from tests.support import fuzz

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.kernel_independent  # a process of its own
def test_thousands_of_mutated_inputs_are_read_or_refused():
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.fuzz", "--cases", "5000", "--seed", "1"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert "5,000 mutated inputs: 0 went wrong" in done.stdout
    rows = re.findall(r"^\w+ +([\d,]+) tried, +([\d,]+) refused", done.stdout, re.M)
    assert len(rows) == len(fuzz.KINDS)
    for tried, refused in rows:  # some mutated inputs are valid
        assert 0 < int(refused.replace(",", "")) < int(tried.replace(",", ""))


def test_what_goes_wrong_is_counted(monkeypatch):
    class Wrong:
        def __init__(self, folder):
            self.tried = 0

        def try_one(self, rng):
            self.tried += 1
            if self.tried == 3:
                raise TypeError("a traceback")
            raise nn.NpNNError("two\nlines" if self.tried == 5 else "one line")

    monkeypatch.setattr(fuzz, "KINDS", {Wrong: 1.0})
    said = []
    assert fuzz.fuzz(10, 0, said.append) == 2
    assert said[-1] == "10 mutated inputs: 2 went wrong"
