"""Progress of a training loop: a bar on a terminal, plain lines elsewhere."""

import sys

REFRESH_SECONDS = 0.1


def progress(batches, history, quiet=False):
    """Pass the batches on, and show how far training is and what it reached.

    batches: any iterable of the history's ``steps`` batches. Shows on stderr:
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
            if bar.update():
                bar.set_postfix_str(_reached(history), refresh=False)
        bar.set_postfix_str(_reached(history))


def _lines(batches, history):
    tenth = max(1, history.steps // 10)
    for step, batch in enumerate(batches, start=1):
        yield batch
        if step % tenth == 0 or step == history.steps:
            print(f"step {step:>6} of {history.steps}  {_reached(history)}", file=sys.stderr)


def _reached(history):
    """Loss and accuracy, averaged over the last twentieth of the run: one batch is noisy."""
    recent = slice(-max(1, history.steps // 20), None)
    loss, accuracy = history.loss[recent].mean(), history.accuracy[recent].mean()
    return f"loss {loss:.4f}  accuracy {accuracy:.4f}"


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
