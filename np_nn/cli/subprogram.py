"""A training in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from np_nn.utils.errors import NpNNError

PACKAGES = Path(__file__).resolve().parents[2]  # the folder from which np_nn is imported


def run_json(*words):
    """Run a command of np-nn that trains, without pictures; return its JSON.

    Raises NpNNError with the last line of its errors if it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.json"
        command = [sys.executable, "-m", "np_nn", *words, "--quiet", "--no-plots", "--json", out]
        done = subprocess.run(
            command, env=_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            reason = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
            raise NpNNError(reason[-1])
        return json.loads(out.read_text())


def _environment():
    """Return this process's environment, in which Python finds this very np_nn."""
    places = [str(PACKAGES), os.environ.get("PYTHONPATH")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, places))}
