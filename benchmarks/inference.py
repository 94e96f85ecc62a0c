"""Inference: the outputs for the 10,000 test images."""

from contenders import LAYERS, OURS, TORCH
from targets import at_least, ratio, table

from np_nn.utils.markdown import markdown_table

# {task: contenders}.
TASKS = {"predict": (OURS, LAYERS, TORCH), "predict_compressed": (OURS,)}

ROWS = (  # words, task, contender
    ("np_nn, compressing the images included", "predict", OURS),
    ("np_nn, images compressed before", "predict_compressed", OURS),
    ("np_nn NumPy", "predict", LAYERS),
    ("torch, inference mode, best block size", "predict", TORCH),
)


def _words(task):
    return f"inference: {task}"


def run(session):
    """Measure inference; return Markdown."""
    figures = session.each(TASKS, lambda task: session.ask(TASKS[task], task), _words)
    if len(figures) < len(TASKS):
        return ""
    times = [(words, figures[task].ms.get(label)) for words, task, label in ROWS]
    rows = [
        (words, f"{ms:.2f}" if ms else "-", f"{1e4 / ms:,.0f}" if ms else "-")
        for words, ms in times
    ]
    (_, whole), (_, compressed), _, (_, torch) = times
    goals = [
        at_least("inference, times torch", ratio(torch, whole), 7),
        at_least("inference of compressed images, times torch", ratio(torch, compressed), 7),
    ]
    text = markdown_table(("784-512-10, 10,000 test images", "ms", "images per ms"), rows)
    reasons = {f"{c}: {why}." for f in figures.values() for c, why in f.failures.items()}
    parts = ["## Inference", text, *sorted(reasons), table(session, goals)]
    return "\n\n".join(parts)
