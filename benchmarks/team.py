"""Processes of the contenders: started on first use, stopped while others have their turn."""

import json
import os
import select
import signal
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from contenders import contender

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 300  # maximum seconds to wait for an answer: torch.compile is slow
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# A virtual machine whose host reclaims free memory spends up to 8 ms on the first touch of a huge
# page, 0.2 s on a set of images. Small pages keep that out of what whole programs are timed for.
SMALL_PAGES = {"NUMPY_MADVISE_HUGEPAGE": "0"}


def environment(threads):
    """Return the environment of a whole program that is timed, on `threads` threads."""
    return os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads)) | SMALL_PAGES


class Failure(Exception):  # noqa: N818 - it becomes a note under a table, not an error
    """Reason why a contender has no figure."""


class Player:
    """Worker process, which is stopped (SIGSTOP) except while it answers."""

    def __init__(self, label, threads):
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the player
        self.process = subprocess.Popen(
            [sys.executable, WORKER, label, "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=os.environ
            | dict.fromkeys(THREAD_VARIABLES, str(threads))
            | contender(label).environment,
        )

    def ask(self, request):
        """Return the answer to a request. Raises Failure if there is none."""
        self._signal("SIGCONT")
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            line = self.process.stdout.readline() if ready else ""
        except BrokenPipeError:
            line, ready = "", True
        if not line:
            words = self._last_words() if ready else f"no answer in {PATIENCE} s"
            self.close()
            raise Failure(words)
        self._signal("SIGSTOP")
        answer = json.loads(line)
        if "error" in answer:
            raise Failure(answer["error"])
        return answer

    @property
    def alive(self):
        return self.process.poll() is None

    def close(self):
        with self.log, self.process:  # closes its pipes, and waits for its end
            self.process.kill()

    def _last_words(self):
        self.process.kill()
        self.process.wait()
        self.log.seek(0)
        lines = self.log.read().strip().splitlines()
        return lines[-1] if lines else f"the process ended with status {self.process.returncode}"

    def _signal(self, name):
        if hasattr(signal, name):
            self.process.send_signal(getattr(signal, name))


@dataclass
class Figures:
    """Figures of the turns: {label: median ms}, {label: answers}, {label: reason of a failure}."""

    ms: dict = field(default_factory=dict)
    answers: dict = field(default_factory=dict)
    failures: dict = field(default_factory=dict)


class Team:
    """Team of all players, by contender and number of threads, for use in a ``with`` block."""

    def __init__(self):
        self._players = {}

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for player in self._players.values():
            player.close()

    def start(self, label, threads):
        """Start a contender, so that it imports its packages before the first request."""
        self._player(label, threads)

    def take_turns(self, labels, request, threads, rounds):
        """Ask each contender in turn, for several rounds; return Figures with their medians.

        Args:
            labels: of the contenders.
            request: {"task", "arguments", "seconds"}, see worker.py.
            threads: number of threads of each.
            rounds: number of rounds.
        """
        figures, answers = Figures(), {label: [] for label in labels}
        for _ in range(rounds):
            for label in labels:
                if label not in figures.failures:
                    try:
                        answers[label].append(self._player(label, threads).ask(request))
                    except Failure as failure:
                        figures.failures[label] = str(failure)
        for label in labels:
            if label not in figures.failures:
                figures.answers[label] = answers[label]
                figures.ms[label] = statistics.median(a["ms"] for a in answers[label])
        return figures

    def dismiss(self, labels, threads):
        """End these players, so that new ones take the next request."""
        for label in labels:
            if player := self._players.pop((label, threads), None):
                player.close()

    def _player(self, label, threads):
        if not contender(label).installed:
            raise Failure("not installed")
        player = self._players.get((label, threads))
        if player is None or not player.alive:
            player = self._players[label, threads] = Player(label, threads)
        return player
