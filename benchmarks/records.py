"""Records: time to an accuracy, of whole programs.

`python benchmarks/run.py --parts records --out RECORDS.md` writes only their page; their rules are
in docs/use/records.md.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from cells import CENTRE
from contenders import CONTENDERS, OURS, TORCH
from targets import at_least, at_most, ratio, table
from team import environment

from np_nn import recipes
from np_nn.utils.markdown import markdown_table

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = {OURS: "main_np.py", TORCH: "main_torch.py"}


@dataclass(frozen=True)
class Record:
    """Targets of a recipe; None: no target.

    accuracy: minimum; seconds: maximum of training; times, whole: minimum ratio to the twin, of
    training and of the whole process; memory: maximum, MB. seeds, twins: number of runs of np_nn
    and of its twin in PyTorch. twin: further options of a twin that would train for too long.
    """

    accuracy: float
    seconds: float
    times: float | None = None
    whole: float | None = None
    memory: float | None = None
    seeds: int = 10
    twins: int = 3
    twin: tuple[str, ...] = ()


RECORDS = {
    "fast98": Record(0.98, 0.12, times=4, whole=4, memory=250, twins=10),
    "fast99": Record(0.99, 1.2, times=4),
    "fast99conv": Record(0.99, 0.38, times=4),
    "fast994conv": Record(0.995, 4.0, times=4, seeds=5, twins=2),
    "best5min": Record(0.9975, 300.0, seeds=5, twins=1, twin=("--epochs", "1")),
}
QUICK = ("fast98", "fast99conv")


@dataclass(frozen=True)
class Run:
    """Run of one whole process.

    train_s: seconds of training, of which deskew_s and compress_s precede the loop; whole_s:
    seconds from start to end.
    """

    title: str
    accuracy: float
    train_s: float
    deskew_s: float
    compress_s: float
    whole_s: float
    memory_mb: float | None


def run(session):
    """Measure the records; return Markdown."""
    names = [name for name in RECORDS if not session.quick or name in QUICK]
    sections = [_section(session, name) for name in names if name in recipes.RECIPES]
    sections = [section for section in sections if section]
    if not sections:
        return ""
    head = (
        "## Records\n\nEach run is a process of its own, `main_np.py` and `main_torch.py` in turn, "
        "one seed each. Accuracy is that on the test images; its mean ± standard deviation. Times "
        "are medians. Training is deskewing and compressing the images, where the recipe wants "
        "that, and the training loop with all distortions; the whole process also starts Python, "
        "reads the files and tests. NumPy is told not to ask for huge pages "
        "(`NUMPY_MADVISE_HUGEPAGE=0`): where a host takes free memory back from a virtual machine, "
        "their first touch would be most of what is measured."
    )
    return "\n\n".join([head, *sections])


def _section(session, name):
    runs = session.each(
        [turn for turn in _turns(session, name) if CONTENDERS[turn[0]].installed],
        lambda turn: _train(session, name, *turn),
        lambda turn: f"{PROGRAMS[turn[0]]} {name} --seed {turn[1]}",
    )
    groups = {}
    for (label, _), done in runs.items():
        groups.setdefault(label, []).append(done)
    failed = sum(done is None for done in runs.values())
    groups = {label: found for label, done in groups.items() if (found := [d for d in done if d])}
    if OURS not in groups:
        return ""
    header = ("", "seeds", "test accuracy", "training s", "of that deskewing", "compressing",
              "whole process s", "peak MB")  # fmt: skip
    rows = [_row(label, RECORDS[name], done) for label, done in groups.items()]
    parts = [
        f"### {name}",
        f"`{_command(session, name)}`: {groups[OURS][0].title}",
        markdown_table(header, rows),
        *(f"{label}, each seed: {_each(done)} %." for label, done in groups.items()),
        f"{failed} runs failed and are left out." if failed else "",
        table(session, _targets(name, groups[OURS], groups.get(TORCH))),
    ]
    return "\n\n".join(part for part in parts if part)


def _turns(session, name):
    """Return (program, seed) of each run, in turn."""
    record, most = RECORDS[name], 3 if session.quick else 10
    counts = {OURS: min(most, record.seeds), TORCH: min(most, record.twins)}
    return [(who, seed) for seed in range(most) for who in PROGRAMS if seed < counts[who]]


def _command(session, name, seed="N"):
    return f"python main_np.py --recipe {name} --seed {seed} --threads {session.cores}"


def _train(session, name, label, seed):
    """Train in a fresh process; return the Run, or None if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.json"
        command = [sys.executable, ROOT / PROGRAMS[label], "--recipe", name]
        command += ["--dataset", CENTRE.dataset, "--seed", str(seed)]
        command += ["--threads", str(session.cores), "--no-plots", "--quiet", "--json", out]
        command += RECORDS[name].twin if label == TORCH else ()
        started = time.perf_counter()
        done = subprocess.run(
            command, env=environment(session.cores), capture_output=True, check=False
        )
        whole = time.perf_counter() - started
        if done.returncode:
            return None
        found = json.loads(out.read_text())
        seconds = (found[f"{part}_seconds"] for part in ("train", "prepare", "compress"))
        return Run(found["title"], found["test_accuracy"], *seconds, whole, found["peak_memory_mb"])


def _median(runs, name):
    values = [getattr(run, name) for run in runs or ()]
    return statistics.median(values) if values and None not in values else None


def _row(label, record, runs):
    accuracies = [run.accuracy for run in runs]
    spread = f" ± {statistics.stdev(accuracies):.2%}" if len(runs) > 1 else ""
    times = ("train_s", "deskew_s", "compress_s", "whole_s")
    memory = _median(runs, "memory_mb")
    return (
        " ".join((label, *record.twin)) if label == TORCH else label,
        len(runs),
        f"{statistics.mean(accuracies):.2%}{spread}",
        *(f"{_median(runs, name):.3f}" for name in times),
        f"{memory:.0f}" if memory else "-",
    )


def _each(runs):
    return ", ".join(f"{100 * run.accuracy:.2f}" for run in runs)


def _targets(name, ours, theirs):
    record = RECORDS[name]
    theirs = None if record.twin else theirs
    mean, seconds = statistics.mean(run.accuracy for run in ours), _median(ours, "train_s")
    times = ratio(_median(theirs, "train_s"), seconds)
    whole = ratio(_median(theirs, "whole_s"), _median(ours, "whole_s"))
    targets = [
        at_least(f"{name}, mean test accuracy", mean, record.accuracy, "{:.2%}"),
        at_most(f"{name}, training", seconds, record.seconds, "{:.2f} s"),
        at_least(f"{name}, training, times the twin", times, record.times),
        at_least(f"{name}, whole process, times the twin", whole, record.whole),
        at_most(f"{name}, peak memory", _median(ours, "memory_mb"), record.memory, "{:.0f} MB"),
    ]
    return [target for target in targets if target.bound is not None]
