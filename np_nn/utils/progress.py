"""Progress of a training loop: a line per epoch and, on a terminal or in a notebook, a bar."""

import math
import sys
import time

from np_nn.utils.optional import silently

REFRESH_SECONDS = 0.1
WIDTH = 79  # maximum characters of a line
MOST_LINES = 100  # maximum epoch lines; with more epochs, only every k-th is written
FEW_EPOCHS = 5  # a log of fewer epochs has lines within the epochs, too


def progress(batches, history, quiet=False, rate=None):
    """Yield the batches, and show the progress of training and its measures.

    On a terminal and in a notebook a bar shows the current epoch. Elsewhere, in a log, lines
    within the epochs replace the bar if there are fewer than FEW_EPOCHS. Everything is written to
    stderr, except a notebook's lines, which go to its output.

    Args:
        batches: an iterable; the caller records the results of each batch in the history.
        history: `History`.
        quiet: show nothing.
        rate: function () -> learning rate of the last step; None: do not show it.
    """
    if quiet:
        return iter(batches)
    notebook = _in_notebook()
    if notebook or sys.stderr.isatty():
        return _bar(batches, history, rate, notebook)
    return _log(batches, history, rate)


def _bar(batches, history, rate, notebook):
    per_epoch, out = len(history.sizes), sys.stdout if notebook else sys.stderr
    with _tqdm(notebook)(
        unit="step", mininterval=REFRESH_SECONDS, dynamic_ncols=True, leave=False
    ) as bar:
        lines, first = _Lines(history, rate, lambda line: bar.write(line, file=out)), None
        try:
            for batch in batches:
                if first != history.done // per_epoch * per_epoch:
                    first = history.done // per_epoch * per_epoch
                    epoch = f"epoch {first // per_epoch + 1}/{lines.epochs}"
                    bar.set_description(epoch, refresh=False)
                    bar.reset(min(per_epoch, history.steps - first))
                yield batch
                if bar.update(history.done - first - bar.n):
                    bar.set_postfix_str(_reached(history), refresh=False)
                lines.add()
        finally:
            lines.add()


def _log(batches, history, rate):
    lines = _Lines(history, rate, lambda line: print(line, file=sys.stderr, flush=True))
    tenth = max(1, history.steps // 10) if lines.epochs < FEW_EPOCHS else math.inf
    due = tenth
    try:
        for batch in batches:
            yield batch
            if lines.add() or history.done < due:
                continue
            lines.write(f"step {history.done:>6} of {history.steps}  {_reached(history)}")
            due = history.done // tenth * tenth + tenth
    finally:  # also if training was stopped
        lines.add()


class _Lines:
    """Lines of the completed epochs, below a header that names their columns."""

    def __init__(self, history, rate, write):
        self.history, self.rate, self._write = history, rate, write
        self.epochs = math.ceil(history.steps / len(history.sizes))
        self._every = math.ceil(self.epochs / MOST_LINES)
        self._seen, self._format, self._started = history.epochs, None, time.perf_counter()

    def write(self, line):
        """Write a line; the time this takes is not counted as training."""
        self._write(line)
        self.history.restart_clock()

    def add(self):
        """Write the line of an epoch completed since the last call; return whether there is one."""
        seen = self.history.epochs
        if seen == self._seen:
            return False
        self._seen = seen
        if seen % self._every == 0 or seen == self.epochs:
            cells = self._cells(seen)
            if self._format is None:
                self._format = _format(cells, self.epochs)
                self.write(self._format.format(*cells))
            self.write(self._format.format(*cells.values()))
        return True

    def _cells(self, epoch):
        """Return {column: text} of an epoch, counted from 1."""
        history = self.history
        found = history.measures(epoch - 1)
        samples = history.sizes[: (history.done - 1) % len(history.sizes) + 1].sum()
        seconds = found.pop("seconds")
        cells = {"epoch": f"{epoch}/{self.epochs}"}
        cells |= {name: _number(value) for name, value in found.items()}
        if self.rate:
            cells["lr"] = f"{self.rate():.3g}"
        cells["images/s"] = _speed(samples / seconds) if seconds else "-"
        return cells | {"elapsed": _clock(time.perf_counter() - self._started)}


def _format(cells, epochs):
    """Return the format of a line: columns two spaces apart if they fit into WIDTH, else one."""
    least = {"epoch": len(f"{epochs}/{epochs}"), "lr": 8, "images/s": 9}
    widths = [max(len(name), least.get(name, 7)) for name in cells]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= WIDTH else " "
    return gap.join(f"{{:>{width}}}" for width in widths)


def _number(value):
    """Return a loss or an accuracy in at most seven characters, such as 0.0712 and 1.2e+05."""
    return f"{value:.4f}" if abs(value) < 100 else f"{value:.2g}"


def _speed(rate):
    """Return a rate in at most nine characters, such as 512,331 and 1.2e+07."""
    return f"{rate:,.0f}" if rate < 1e7 else f"{rate:.2g}"


def _clock(seconds):
    """Return a time such as 12.3s, 4:05 or 1:02:03."""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _reached(history):
    """Format the loss and, if any, the accuracy, averaged over the last twentieth of the run."""
    recent = slice(-max(1, history.steps // 20), None)
    curves = {"loss": history.loss, "accuracy": history.accuracy}
    means = {name: curve[recent].mean() for name, curve in curves.items() if curve is not None}
    return "  ".join(f"{name} {mean:.4f}" for name, mean in means.items())


def _in_notebook():
    """Return whether this runs in a Jupyter kernel, whose output is not a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    return shell is not None and "IPKernelApp" in shell.config


def _tqdm(notebook):
    """Return the tqdm class to use: in a notebook a widget, if ipywidgets is installed."""
    return silently("tqdm.auto" if notebook else "tqdm").tqdm


def announce(tasks, describe, quiet=False):
    """Yield tasks that take seconds each, and report the current one on stderr."""
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
    """Return a tqdm bar for a long task; a terminal shows it after the first second."""
    from tqdm import tqdm

    hidden = quiet or not sys.stderr.isatty()
    return tqdm(
        total=total, desc=description, unit=unit, delay=1, leave=False, disable=hidden,
        dynamic_ncols=True,
    )  # fmt: skip
