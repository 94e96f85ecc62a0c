"""MLPClassifier beside scikit-learn's, on MNIST as float64 of 0..1.

python benchmarks/estimator.py CONTENDER CELL prints the seconds and the accuracy of one of them.
"""

import argparse
import importlib
import json
import statistics
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass
from operator import itemgetter

from contenders.problem import dataset, flat, some
from targets import at_least, ratio, table
from team import environment

from np_nn.utils import machine
from np_nn.utils.markdown import markdown_table

MODULES = {"np_nn": "np_nn", "scikit-learn": "sklearn.neural_network"}
QUICK = 6000  # images
ROUNDS = 3  # runs of each; the median counts
ROUNDING = 0.0005  # tolerance of the accuracy: rounding changes the weights like another seed


@dataclass(frozen=True)
class Cell:
    """Training problem: float64 images of 0..1, and scikit-learn's defaults for all else."""

    hidden: int
    solver: str
    batch: int
    rate: float
    epochs: int = 5

    def __str__(self):
        return f"784-{self.hidden}-10, {self.solver}, batch {self.batch}, {self.epochs} epochs"


CELLS = {
    str(cell): cell
    for cell in (
        Cell(100, "adam", 200, 0.001),
        Cell(100, "sgd", 200, 0.1),
        Cell(512, "adam", 256, 0.001),
        Cell(512, "sgd", 256, 0.1),
    )
}


def run(session):
    """Measure the estimators; return Markdown."""
    cells = list(CELLS)[:1] if session.quick else list(CELLS)
    rounds = range(1 if session.quick else ROUNDS)
    turns = [(who, cell, number) for cell in cells for number in rounds for who in MODULES]
    answers = session.each(
        turns, lambda turn: _ask(session, *turn[:2]), lambda turn: "{}, {}, round {}".format(*turn)
    )
    if len(answers) < len(turns):
        return ""
    done = {
        (who, cell): _median([answers[who, cell, number] for number in rounds])
        for who, cell, _ in turns
    }
    rows, targets = [], []
    for cell in cells:
        ours, theirs = done["np_nn", cell], done["scikit-learn", cell]
        times = ratio(theirs.get("seconds"), ours.get("seconds"))
        rows.append((cell, *map(_words, (theirs, ours)), f"{times:.1f}" if times else "-"))
        goal = 8 if CELLS[cell].hidden == 100 else 4
        targets.append(at_least(f"MLPClassifier, {cell}, times scikit-learn's", times, goal))
    targets.append(at_least("the same, mean accuracy beyond it", _gain(done), -ROUNDING, "{:+.3%}"))
    header = ("", "scikit-learn: s", "test accuracy", "np_nn: s", "test accuracy", "times as fast")
    flat_rows = [(cell, *theirs, *ours, times) for cell, theirs, ours, times in rows]
    reasons = sorted({f"{a['error']}" for a in done.values() if "error" in a})
    text = (
        "## MLPClassifier\n\n"
        "`fit` of scikit-learn's estimator and of ours with the same arguments and random_state, "
        "so from the same weights on the same batches; the images are float64 of 0..1, and ours "
        "finds out that they are bytes. Each in a process of its own, in turn, without huge pages "
        f"(`NUMPY_MADVISE_HUGEPAGE=0`), as for the records; the median of {len(rounds)} runs."
    )
    return "\n\n".join([text, markdown_table(header, flat_rows), *reasons, table(session, targets)])


def _gain(done):
    """Return our mean accuracy minus scikit-learn's, or None if a figure is missing."""
    if any("error" in answer for answer in done.values()):
        return None
    signs = {"np_nn": 1, "scikit-learn": -1}
    return statistics.mean(
        len(signs) * signs[who] * answer["accuracy"] for (who, _), answer in done.items()
    )


def _median(answers):
    """Return the answer of median seconds, or an error of one of them."""
    failed = [answer for answer in answers if "error" in answer]
    return failed[0] if failed else sorted(answers, key=itemgetter("seconds"))[len(answers) // 2]


def _words(answer):
    if "error" in answer:
        return "-", "-"
    return f"{answer['seconds']:.2f}", f"{answer['accuracy']:.2%}"


def _ask(session, who, cell):
    """Run one contender in a fresh process; return {"seconds", "accuracy"} or {"error"}."""
    command = [sys.executable, __file__, who, cell, *(["--quick"] if session.quick else [])]
    env = environment(session.cores)
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": f"{who}: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}"}
    return json.loads(done.stdout)


def main():
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("contender", choices=MODULES)
    command.add_argument("cell", choices=CELLS)
    command.add_argument("--quick", action="store_true", help=f"{QUICK} images, one epoch")
    args = command.parse_args()
    warnings.simplefilter("ignore")  # it does not converge in so few epochs
    cell, data = CELLS[args.cell], dataset("mnist")
    train = some(data.train, QUICK) if args.quick else data.train
    classifier = importlib.import_module(MODULES[args.contender]).MLPClassifier(
        (cell.hidden,), solver=cell.solver, batch_size=cell.batch, learning_rate_init=cell.rate,
        max_iter=1 if args.quick else cell.epochs, random_state=0,
    )  # fmt: skip
    x, x_test = flat(train) / 255, flat(data.test) / 255
    machine.limit_threads(machine.threads())
    started = time.perf_counter()
    classifier.fit(x, train.labels)
    seconds = time.perf_counter() - started
    accuracy = float((classifier.predict(x_test) == data.test.labels).mean())
    print(json.dumps({"seconds": seconds, "accuracy": accuracy}))


if __name__ == "__main__":
    main()
