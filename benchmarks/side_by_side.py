"""Contenders beside a kernel as it is now: their table, and whether the machine was too busy."""

import operator
import statistics

from np_nn.utils.markdown import markdown_table

# What a contender may show of other programs on its cores before its figure is not to be trusted.
SPREAD, PREEMPTIONS = 0.2, 10  # of its rounds; in a turn
BUSY = (
    f"The machine is busy: a spread above {SPREAD:.0%}, or more than {PREEMPTIONS} preemptions a "
    "turn. Do not trust these figures."
)


def table(case, turns):
    """Return the table of {contender: its worker's answer in each round}, the first one ``now``."""
    now = milliseconds(turns["now"])
    rows = [
        (
            name,
            f"{statistics.median(milliseconds(answers)):.4f}",
            f"{spread(answers):.0%}",
            f"{preemptions(answers):g}",
            f"{statistics.median(map(operator.truediv, milliseconds(answers), now)):.2f}",
        )
        for name, answers in turns.items()
    ]
    return markdown_table((case, "ms", "spread", "preemptions", "times now"), rows)


def milliseconds(answers):
    return [answer["ms"] for answer in answers]


def spread(answers):
    """Return how far the rounds lie apart, as a share of their median."""
    ms = milliseconds(answers)
    return (max(ms) - min(ms)) / statistics.median(ms)


def preemptions(answers):
    """Return the median of how often other programs took a core from the contender in a turn."""
    return statistics.median(answer["preemptions"] for answer in answers)


def disturbed(answers):
    """Return whether other programs may have changed a contender's figure."""
    return spread(answers) > SPREAD or preemptions(answers) > PREEMPTIONS
