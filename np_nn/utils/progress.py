"""Progress of a training loop: a bar on a terminal, plain lines elsewhere."""

import sys

REFRESH_SECONDS = 0.1


def progress(batches, history, quiet=False):
    """Pass the batches on, and show how far training is and what it reached.

    batches: an iterable; what is done with each is recorded in the history. Shows on stderr:
    a tqdm bar if that is a terminal, else a line each tenth of the way, and
    nothing with quiet.
    """
    if quiet:
        return iter(batches)
    return _bar(batches, history) if sys.stderr.isatty() else _lines(batches, history)


def _bar(batches, history):
    from tqdm import tqdm

    with tqdm(
        total=history.steps, unit="step", mininterval=REFRESH_SECONDS, dynamic_ncols=True
    ) as bar:
        for batch in batches:
            yield batch
            if bar.update(history.done - bar.n):
                bar.set_postfix_str(_reached(history), refresh=False)
        bar.set_postfix_str(_reached(history))


def _lines(batches, history):
    tenth = max(1, history.steps // 10)
    due = tenth
    for batch in batches:
        yield batch
        if history.done >= due:
            step = f"step {history.done:>6} of {history.steps}"
            print(f"{step}  {_reached(history)}", file=sys.stderr)
            due = min(history.done // tenth * tenth + tenth, history.steps)


def _reached(history):
    """Loss, and accuracy if any, averaged over the last twentieth of the run: a batch is noisy."""
    recent = slice(-max(1, history.steps // 20), None)
    curves = {"loss": history.loss, "accuracy": history.accuracy}
    means = {name: curve[recent].mean() for name, curve in curves.items() if curve is not None}
    return "  ".join(f"{name} {mean:.4f}" for name, mean in means.items())


def announce(tasks, describe, quiet=False):
    """Pass on tasks that take seconds each, and say on stderr which one is under way."""
    if quiet:
        yield from tasks
    elif sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(total=len(tasks), dynamic_ncols=True) as bar:
            for task in tasks:
                bar.set_description(describe(task))
                yield task
                bar.update()
    else:
        for task in tasks:
            print(describe(task), file=sys.stderr)
            yield task


def counter(total, description, unit, quiet=False):
    """Return a tqdm bar for what may take long: a terminal shows it after the first second."""
    from tqdm import tqdm

    hidden = quiet or not sys.stderr.isatty()
    return tqdm(
        total=total, desc=description, unit=unit, delay=1, leave=False, disable=hidden,
        dynamic_ncols=True,
    )  # fmt: skip
