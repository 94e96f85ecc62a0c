"""Time of a training step, over a grid of problems."""

import dataclasses
import statistics

import cells
from contenders import CONTENDERS, OURS, PEERS, TORCH
from targets import at_least, at_most, ratio, table

from np_nn.utils.markdown import markdown_table

TOLERANCE = 1e-3  # maximum relative difference of the contenders' mean losses in the first steps


def run(session):
    """Measure the grid; return Markdown."""
    grid = cells.QUICK if session.quick else cells.GRID
    grid = [cell for cell in grid if cell.threads is None or cell.threads < session.cores]
    results = session.each(grid, lambda cell: _measure(session, cell))
    session.found["steps"] = {cell: figures.ms for cell, figures in results.items()}
    if not results:
        return ""
    parts = [
        "## A training step\n",
        "Milliseconds per step, float32, with biases; each step gathers its batch from the uint8 "
        "training set and computes loss and accuracy. np_nn reads the set in compressed form, made "
        "once before (its time is given below).\n",
        _steps(results),
        *_notes(results),
        "",
        table(session, _targets(session, results)),
        "",
        f"np_nn is slower than the fastest peer in: {'; '.join(_lost(results)) or 'no cell'}.",
    ]
    return "\n".join(parts)


def _measure(session, cell):
    field = [
        label
        for label, contender in CONTENDERS.items()
        if contender.trains(cell) and not (session.quick and _slow_to_start(label, cell))
    ]
    return session.ask(field, "train", threads=cell.threads, cell=dataclasses.asdict(cell))


def _slow_to_start(label, cell):
    return label == "torch.compile" and cell != cells.CENTRE


def fastest_peer(ms):
    """Return the minimum time among the peers, or None."""
    return min((ms[label] for label in PEERS if label in ms), default=None)


def against_peer(ms):
    return ratio(fastest_peer(ms), ms.get(OURS))


def against_torch(ms):
    return ratio(ms.get(TORCH), ms.get(OURS))


def _steps(results):
    labels = [c for c in CONTENDERS if any(c in figures.ms for figures in results.values())]
    header = ["", *labels, "times torch", "times fastest peer"]
    rows = [
        [
            cell,
            *(number(figures.ms.get(label)) for label in labels),
            *(
                number(value, ".2f")
                for value in (against_torch(figures.ms), against_peer(figures.ms))
            ),
        ]
        for cell, figures in results.items()
    ]
    return markdown_table(header, rows)


def number(value, form=".3f"):
    """Return a figure as text for a table; "-" if it is None."""
    return "-" if value is None else format(value, form)


def _notes(results):
    """Return lines on missing figures and their reasons, and on whether all computed the same."""
    notes = [f"\n{c.label}: {c.but}." for c in CONTENDERS.values() if c.but and c.installed]
    same = {cell: figures for cell, figures in results.items() if cell.extra != "dropout"}
    return [*notes, *reasons(results), agreement(same)]


def reasons(results):
    """Yield lines on missing figures and their reasons."""
    seen = {}
    for cell, figures in results.items():
        for label, reason in figures.failures.items():
            seen.setdefault((label, reason), []).append(str(cell))
    for (label, reason), where in seen.items():
        place = "" if len(where) == len(results) else f" ({'; '.join(where)})"
        yield f"\n{label}: {reason}{place}."


def agreement(results):
    """Return a line on whether all computed the same; results: without those of dropout."""
    worst, where = max(
        ((_disagreement(f), str(cell)) for cell, f in results.items()), default=(0.0, "")
    )
    verdict = "so all train the same" if worst <= TOLERANCE else f"**too much**, at {where}"
    return (
        f"\nLosses of the first steps differ by at most {worst:.0e}: {verdict}. "
        "(Dropout is left out of this: each draws other numbers.)"
    )


def _disagreement(figures):
    """Return the largest relative difference of the contenders' first losses."""
    losses = [answers[0]["first"][0] for answers in figures.answers.values()]
    return max(losses) / min(losses) - 1 if losses else 0.0


def _lost(results):
    ratios = {cell: against_peer(figures.ms) for cell, figures in results.items()}
    return [str(cell) for cell, value in ratios.items() if value is not None and value < 1]


def _targets(session, results):
    ms = {cell: figures.ms for cell, figures in results.items()}
    centre = ms.get(cells.CENTRE, {})
    mean = [value for value in map(against_torch, ms.values()) if value]
    mean = statistics.geometric_mean(mean) if mean else None
    goals = {
        cells.CENTRE: 7, cells.MOMENTUM: 6.5, cells.ADAM: 6.5, cells.ONE_THREAD: 6.5,
        **dict(zip(cells.DEEP, (4.5, 4, 5), strict=True)), cells.FASHION: 3.5, cells.SMALL: 15,
        **{cell: 2.5 for cell in cells.TOOLKIT if cell not in (cells.MOMENTUM, cells.ADAM)},
    }  # fmt: skip
    floor = ratio(session.found.get("dense floor"), centre.get(OURS))
    return [
        *(
            at_least(f"{cell}, times torch", against_torch(ms.get(cell, {})), goal)
            for cell, goal in goals.items()
            if cell in ms or not session.quick
        ),
        at_least("centre, times the fastest peer", against_peer(centre), 3.5),
        at_least("centre, times the dense floor", floor, 5),
        at_least("all cells, geometric mean of times torch", mean, 6),
        at_most("cells slower than the fastest peer", len(_lost(results)), 0),
    ]
