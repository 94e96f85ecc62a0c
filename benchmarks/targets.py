"""Targets: what a figure should be, beside what it is."""

from dataclasses import dataclass

from np_nn.utils.markdown import markdown_table


@dataclass(frozen=True)
class Target:
    """One figure and its bound; value None: it could not be measured."""

    what: str
    value: float | None
    bound: float
    form: str
    least: bool  # the bound is the least the figure may be, else the most

    @property
    def verdict(self):
        if self.value is None:
            return "not measured"
        reached = self.value >= self.bound if self.least else self.value <= self.bound
        return "reached" if reached else "**not reached**"

    @property
    def row(self):
        sign, value = "≥" if self.least else "≤", self.value
        measured = "-" if value is None else self.form.format(value)
        return self.what, f"{sign} {self.form.format(self.bound)}", measured, self.verdict


def at_least(what, value, bound, form="{:.2f} times"):
    return Target(what, value, bound, form, least=True)


def at_most(what, value, bound, form="{:g}"):
    return Target(what, value, bound, form, least=False)


def table(session, targets):
    """The targets as a Markdown table; they count in the session's summary."""
    session.targets += targets
    return markdown_table(("target", "wanted", "measured", ""), [target.row for target in targets])


def summary(targets):
    """One line on all of them."""
    missed = [target.what for target in targets if target.verdict != "reached"]
    line = f"{len(targets) - len(missed)} of {len(targets)} targets reached"
    return f"{line}; not: {'; '.join(missed)}." if missed else f"{line}."


def ratio(a, b):
    """a / b, or None where one of them is missing."""
    return a / b if a and b else None
