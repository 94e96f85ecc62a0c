"""Training steps of np_nn and torch, both limited to AVX2, as on processors without AVX-512."""

import dataclasses
import statistics

import cells
from contenders import OURS_AVX2, TORCH_AVX2
from targets import at_least, at_most, ratio, table
from training import number, reasons

from np_nn.utils.markdown import markdown_table


def run(session):
    """Measure the grid; return Markdown."""
    grid = cells.QUICK[:1] if session.quick else cells.GRID
    grid = [cell for cell in grid if cell.threads is None or cell.threads < session.cores]
    results = session.each(grid, lambda cell: _measure(session, cell))
    if not results:
        return ""
    ratios = {cell: _times(figures) for cell, figures in results.items()}
    rows = [
        (cell, *(number(figures.ms.get(label)) for label in (OURS_AVX2, TORCH_AVX2)),
         number(ratios[cell], ".2f"))
        for cell, figures in results.items()
    ]  # fmt: skip
    known = [value for value in ratios.values() if value]
    mean = statistics.geometric_mean(known) if known else None
    lost = [str(cell) for cell, value in ratios.items() if value and value < 1]
    goals = [
        at_least("AVX2, all cells, geometric mean of times torch", mean, 4),
        at_most("AVX2, cells slower than torch", len(lost) if known else None, 0),
    ]
    parts = [
        "## A training step with AVX2",
        "Milliseconds per step as above, on the same machine, but without AVX-512: np_nn with "
        "`NP_NN_ISA=avx2`, torch with `ATEN_CPU_CAPABILITY=avx2`, `MKL_ENABLE_INSTRUCTIONS=AVX2` "
        "and `ONEDNN_MAX_CPU_ISA=AVX2`.",
        markdown_table(("", OURS_AVX2, TORCH_AVX2, "times torch"), rows),
        *reasons(results),
        table(session, goals),
        f"np_nn is slower than torch in: {'; '.join(lost) or 'no cell'}.",
    ]
    return "\n\n".join(parts)


def _measure(session, cell):
    labels = (OURS_AVX2, TORCH_AVX2)
    return session.ask(labels, "train", threads=cell.threads, cell=dataclasses.asdict(cell))


def _times(figures):
    return ratio(figures.ms.get(TORCH_AVX2), figures.ms.get(OURS_AVX2))
