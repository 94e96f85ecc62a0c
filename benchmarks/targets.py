"""Targets: wanted figures beside the measured ones."""

from dataclasses import dataclass

from np_nn.utils.markdown import markdown_table


@dataclass(frozen=True)
class Target:
    """Target: a figure and its bound. value: None if it could not be measured."""

    what: str
    value: float | None
    bound: float
    form: str
    least: bool  # True: the bound is a minimum, False: a maximum

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
    """Return the targets as a Markdown table, and add them to the session's summary."""
    session.targets += targets
    return markdown_table(("target", "wanted", "measured", ""), [target.row for target in targets])


def summary(targets):
    """Return one line on all targets."""
    missed = [target.what for target in targets if target.verdict != "reached"]
    line = f"{len(targets) - len(missed)} of {len(targets)} targets reached"
    return f"{line}; not: {'; '.join(missed)}." if missed else f"{line}."


def ratio(a, b):
    """Return a / b, or None if one of them is missing."""
    return a / b if a and b else None
