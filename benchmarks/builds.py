"""Builds of a family of kernels, separate from the installed one, for timing: see kernel.py."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from np_nn.utils.errors import NpNNError

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Builds:
    """Builds of a family whose inner loops are compiled for one instruction set only.

    The loops are the same as in a build with all sets, and compile in half the time.
    """

    family: str
    isa: str
    root: Path = ROOT

    def start(self):
        """Start compiling changed sources; return the process."""
        command = [sys.executable, "setup.py", "--quiet", "build_ext"]
        command += ["--build-lib", self._folder, "--build-temp", self._folder]
        settings = {"NP_NN_FAMILY": self.family, "NP_NN_ONLY": self.isa, "NP_NN_STRICT": "1"}
        environment, silent = os.environ | settings, subprocess.DEVNULL
        return subprocess.Popen(command, cwd=self.root, env=environment, stdout=silent)

    def finish(self, compiler):
        """Wait for the process. Raises NpNNError if it failed."""
        if compiler.wait():
            raise NpNNError(
                f"kernels/{self.family} does not compile: see the compiler's output above"
            )

    @property
    def place(self):
        """The folder that the extension is built into."""
        return self._folder / "np_nn" / "_kernels"

    @property
    def stem(self):
        """The path of the extension that is built, less the suffix that setup.py gives it."""
        return self.place / self.family

    @property
    def now(self):
        """The path of the extension that is built; None before the first time."""
        return newest(self.stem)

    def save(self, name):
        """Keep a copy of the present build under a name."""
        place = self._saved / name
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self.now, place)

    def saved(self, name):
        """Return the path of the build saved under a name. Raises NpNNError if there is none."""
        path = newest(self._saved / name / self.family)
        if path:
            return path
        names = sorted({path.parent.name for path in self._saved.glob(f"*/{self.family}.*")})
        known = f"one of {', '.join(names)}" if names else "there are none: --save NAME keeps one"
        raise NpNNError(f"no build of {self.family} for {self.isa} is saved as {name!r} ({known})")

    @property
    def _folder(self):
        return self.root / "build" / "kernel" / self.isa

    @property
    def _saved(self):
        return self._folder / "saved"


def newest(stem):
    """Return the path of the newest build of this path with any suffix, or None."""
    found = stem.parent.glob(f"{stem.name}.*")
    return max(found, key=lambda path: path.stat().st_mtime, default=None)
