"""Table (d): how long it takes to reach an accuracy, as whole programs; and what starting costs."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from cells import CENTRE
from contenders import CONTENDERS, OURS, TORCH
from contenders.problem import dataset
from targets import at_least, at_most, ratio, table
from team import THREAD_VARIABLES

from np_nn import recipes
from np_nn.recipes import build
from np_nn.utils.markdown import markdown_table

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = {OURS: "main_np.py", TORCH: "main_torch.py"}
OTHERS = {"fast98": (("--epochs", "1"), ("--epochs", "4"))}  # for about 97 and 98.5 %
IMPORT = "import time; t = time.perf_counter(); import np_nn; print(time.perf_counter() - t)"
IMPORTS = 11


@dataclass(frozen=True)
class Goal:
    """What a recipe is to reach, None: no matter what.

    seconds: of training at most; times: how much faster than the twin at least; whole: the same
    of the whole process; memory: MB at most. seeds, twins: how many runs np_nn and torch get.
    """

    accuracy: float
    seconds: float | None = None
    times: float | None = None
    whole: float | None = None
    memory: float | None = None
    seeds: int = 10
    twins: int = 10


GOALS = {
    "fast98": Goal(0.98, 0.7, times=4, whole=4, memory=250),
    "fast99": Goal(0.99, 4.0, twins=3),
    "fast99conv": Goal(0.99, 8.0, times=1.5, twins=3),
    "fast994conv": Goal(0.994, seeds=3, twins=0),
}


@dataclass(frozen=True)
class Run:
    """One whole process. train_s: of its training loop, and of straightening the images before
    it; whole_s: from start to end."""

    accuracy: float
    train_s: float
    whole_s: float
    memory_mb: float | None
    kernels: str


def run(session):
    """Measure it; returns Markdown."""
    costs = session.each(["compressing the training set"], lambda _: _compressing(session))
    compress_s = next(iter(costs.values()), None)
    parts = [_recipe(session, name, compress_s) for name in GOALS if name in recipes.RECIPES]
    parts.append(_starting(session, compress_s))
    return "\n\n".join(part for part in parts if part)


def _recipe(session, name, compress_s):
    if build.takes_images(recipes.RECIPES[name]):
        compress_s = None  # nothing is compressed for it
    turns = _turns(session, name)
    runs = session.each(
        [turn for turn in turns if CONTENDERS[turn[0]].installed],
        lambda turn: _train(session, name, *turn),
        lambda turn: " ".join((PROGRAMS[turn[0]], name, *turn[1], f"--seed {turn[2]}")),
    )
    groups = {}
    for (label, changes, _), done in runs.items():
        groups.setdefault((changes, label), []).append(done)
    groups = {key: found for key, done in groups.items() if (found := [d for d in done if d])}
    if not groups:
        return ""
    header = (f"recipe {name}", "", "seeds", "test accuracy", "training s",
              *_if(compress_s, "with compressing"), "whole process s", "peak MB")  # fmt: skip
    rows = [_row(key, done, compress_s) for key, done in groups.items()]
    programs = " and ".join(f"`{PROGRAMS[who]}`" for who in PROGRAMS if ((), who) in groups)
    text = (
        f"## Time to accuracy: {name}\n\n"
        f"{programs} with `--recipe {name}` as whole processes in turn, one seed "
        "each; means ± standard deviation of the accuracy, medians of the rest. Training includes "
        "the straightening of the images, where the recipe wants that."
    )
    if compress_s:
        text += " np_nn compresses the training set before its training loop; the second time "
        text += "adds it."
    text += "\n\n"
    text += f"{markdown_table(header, rows)}\n\n"
    if len(runs) > sum(map(len, groups.values())):
        text += "Some runs failed and are left out.\n\n"
    ours, theirs = groups.get(((), OURS)), groups.get(((), TORCH))
    return text + table(session, _targets(name, ours, theirs, compress_s))


def _turns(session, name):
    """(program, changes to the recipe, seed) of each run, in turn."""
    most = 3 if session.quick else 10
    goal, others = GOALS[name], () if session.quick else OTHERS.get(name, ())
    counts = {OURS: min(most, goal.seeds), TORCH: min(most, goal.twins)}
    turns = [(who, (), s) for s in range(most) for who in PROGRAMS if s < counts[who]]
    return turns + [(who, changes, s) for changes in others for s in range(3) for who in PROGRAMS]


def _train(session, name, label, changes, seed):
    """A Run in a fresh process, or None if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.json"
        command = [sys.executable, ROOT / PROGRAMS[label], "--recipe", name, *changes]
        command += ["--dataset", CENTRE.dataset, "--seed", str(seed)]
        command += ["--threads", str(session.cores), "--no-plots", "--quiet", "--json", out]
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(session.cores))
        started = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        whole = time.perf_counter() - started
        if done.returncode:
            return None
        found = json.loads(out.read_text())
        trained = found["train_seconds"] + found["prepare_seconds"]
        return Run(
            found["test_accuracy"], trained, whole, found["peak_memory_mb"], found["kernels"]
        )


def _median(runs, name):
    values = [getattr(run, name) for run in runs or ()]
    return statistics.median(values) if values and None not in values else None


def _trained(runs, compress_s):
    """Seconds of training, and what the compression adds to it where it is used."""
    seconds = _median(runs, "train_s")
    sparse = seconds and runs[0].kernels.startswith("compiled")
    return seconds + (compress_s or 0.0) if sparse else seconds


def _if(compress_s, column):
    """A column of those recipes only whose images are compressed."""
    return (column,) if compress_s else ()


def _row(key, runs, compress_s):
    changes, label = key
    accuracies = [run.accuracy for run in runs]
    spread = f" ± {statistics.stdev(accuracies):.2%}" if len(runs) > 1 else ""
    memory = _median(runs, "memory_mb")
    return (
        " ".join(changes) or "as it stands",
        label,
        len(runs),
        f"{statistics.mean(accuracies):.2%}{spread}",
        f"{_median(runs, 'train_s'):.2f}",
        *_if(compress_s, f"{_trained(runs, compress_s):.2f}"),
        f"{_median(runs, 'whole_s'):.2f}",
        f"{memory:.0f}" if memory else "-",
    )


def _targets(name, ours, theirs, compress_s):
    goal = GOALS[name]
    mean = statistics.mean(run.accuracy for run in ours) if ours else None
    seconds = _trained(ours, compress_s)
    times = ratio(_trained(theirs, 0), seconds)
    whole = ratio(_median(theirs, "whole_s"), _median(ours, "whole_s"))
    training = "training and compressing" if compress_s else "training"
    targets = [
        at_least(f"{name}, mean test accuracy", mean, goal.accuracy, "{:.2%}"),
        at_most(f"{name}, {training}", seconds, goal.seconds, "{:.2f} s"),
        at_least(f"{name}, the same, times the twin", times, goal.times),
        at_least(f"{name}, whole process, times the twin", whole, goal.whole),
        at_most(f"{name}, peak memory", _median(ours, "memory_mb"), goal.memory, "{:.0f} MB"),
    ]
    return [target for target in targets if target.bound is not None]


def _compressing(session):
    """Seconds to compress the training set."""
    ms = session.ask([OURS], "compress").ms.get(OURS)
    return ms and ms / 1e3


def _starting(session, compress_s):
    """What is paid once: the import, and the compressed training set."""
    imports = session.each([f"import np_nn, {IMPORTS} times"], lambda _: _import_seconds())
    if not imports:
        return ""
    seconds, images = next(iter(imports.values())), dataset(CENTRE.dataset).train
    size = sum(array.nbytes for array in images.rows[:3]) / 1e6
    text = f"The training set's {images.images.nbytes / 1e6:.0f} MB are {size:.0f} MB compressed"
    text += f", made in {1e3 * compress_s:.0f} ms." if compress_s else "."
    goal = at_most("`import np_nn` in a fresh process", seconds, 0.2, "{:.2f} s")
    return f"## Starting\n\n{text}\n\n{table(session, [goal])}"


def _import_seconds():
    command = [sys.executable, "-c", IMPORT]
    runs = [
        subprocess.run(command, cwd=ROOT, capture_output=True, check=False) for _ in range(IMPORTS)
    ]
    times = [float(run.stdout) for run in runs if not run.returncode]
    return statistics.median(times) if times else None
