"""Table of contenders beside a kernel's present build, and a check for a busy machine."""

import operator
import statistics

from np_nn.utils.markdown import markdown_table

# Limits above which other programs on the cores make a contender's figure unreliable.
SPREAD, PREEMPTIONS = 0.2, 10  # of its rounds, relative to the median; in a turn
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
    """Return the range of the rounds' times, relative to their median."""
    ms = milliseconds(answers)
    return (max(ms) - min(ms)) / statistics.median(ms)


def preemptions(answers):
    """Return the median number of preemptions of the contender in a turn."""
    return statistics.median(answer["preemptions"] for answer in answers)


def disturbed(answers):
    """Return whether other programs may have affected a contender's figure."""
    return spread(answers) > SPREAD or preemptions(answers) > PREEMPTIONS
