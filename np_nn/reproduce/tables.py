"""Reproduced results as Markdown tables: published and ours, row by row."""

from np_nn import recipes
from np_nn.cli.report import DISCREPANCY, markdown_table
from np_nn.reproduce.results import Summary

TITLES = {
    "A": "The tables that np_nn began with",
    "B": "Optimizers and batch sizes, logistic units",
    "C": "The literature, fully connected",
    "D": "The literature, convolutional",
    "fashion": "Fashion-MNIST",
    "ours": "np_nn's own",
}
HEADER = ("row", "net", "published", "ours", "difference", "published s", "our s", "factor")
NONE = "-"
COMMAND = "python -m np_nn.reproduce"


def summaries(results, table):
    """Return a Summary of each row of a table."""
    rows = [recipe for recipe in recipes.RECIPES.values() if recipe.table == table]
    return [Summary(recipe, results.of(recipe)) for recipe in rows]


def page(results):
    """Return the text of RESULTS.md, with all tables."""
    intro = (
        "# Published results, reproduced\n\n"
        "Accuracy on the 10,000 test images of MNIST, or of Fashion-MNIST where a table or a row "
        "says so. Ours: mean ± standard deviation of n networks "
        "that differ in their seed; the time is that of training one of them, with deskewing "
        "and distorting its images. **Bold**: more than "
        f"{DISCREPANCY:g} from the published accuracy; the notes say why. "
        "Written by `" + COMMAND + "`.\n"
    )
    return "\n".join([intro, *(text(results, table) for table in TITLES)])


def text(results, table):
    """Return the text of one table with its heading, command, totals and notes."""
    rows = summaries(results, table)
    missing = [
        [title, NONE, f"{accuracy:.4f}", f"not run: {why}", *[NONE] * 4]
        for title, accuracy, _, why in recipes.NOT_RUN.get(table, ())
    ]
    lines = [f"## {TITLES[table]}", "", f"`{COMMAND} --table {table}`", ""]
    lines += [markdown_table(HEADER, [_cells(row) for row in rows] + missing), ""]
    lines += [f"{line}\n" for line in (_total(rows), _machines(rows)) if line]
    notes = _notes(rows)
    return "\n".join(lines + notes + [""] * bool(notes))


def _cells(row):
    recipe = row.recipe
    title = recipe.title + (" (best epoch on the test set)" if recipe.best_on_test else "")
    ours, published = row.seconds, recipe.published_seconds
    return (
        title,
        recipe.network(),
        f"{recipe.published:.4f}" if recipe.published else NONE,
        _ours(row),
        _difference(row.difference),
        f"{published:,.0f}" if published else NONE,
        _seconds(ours) if ours is not None else NONE,
        f"{published / ours:,.1f}" if ours and published else NONE,
    )


def _ours(row):
    if not row.results:
        return "not run"
    if not row.n:
        return "failed"
    spread = f" ± {row.spread:.4f}" if row.spread is not None else ""
    failed = f", {len(row.failed)} failed" if row.failed else ""
    return f"{row.accuracy:.4f}{spread} (n={row.n}{failed})"


def is_off(difference):
    """Return whether a difference, rounded to six digits, counts as a discrepancy."""
    return difference is not None and round(abs(difference), 6) > DISCREPANCY


def _difference(value):
    if value is None:
        return NONE
    return f"**{value:+.4f}**" if is_off(value) else f"{value:+.4f}"


def _seconds(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _total(rows):
    """Compare our total time with the published one; "" for fewer than two rows with both."""
    timed = [row for row in rows if row.recipe.published_seconds]
    done = [row for row in timed if row.n]
    if len(done) < 2:
        return ""
    theirs, ours = (
        sum(row.recipe.published_seconds for row in done),
        sum(row.seconds for row in done),
    )
    which = "all rows" if len(done) == len(timed) else f"{len(done)} of the {len(timed)} rows"
    return (
        f"Computing time of {which} with a published time: published {_long(theirs)}, "
        f"ours {_long(ours)}, {theirs / ours:,.1f} times as fast."
    )


def _long(seconds):
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"


def _machines(rows):
    """Describe the machines, threads and kernels that our figures were measured on."""
    places = {
        f"{result['machine']}; {result['threads']} thread{'s' * (result['threads'] > 1)}, "
        f"{result['kernels']}"
        for row in rows
        for result in row.good
    }
    return f"Measured on {'; and '.join(sorted(places))}." if places else ""


def _notes(rows):
    """Return the notes on the rows, grouped by note, and the errors of those that failed."""
    said = {}
    for row in rows:
        unexplained = is_off(row.difference) and not row.recipe.note
        note = "more than 0.01 off, and no reason known" if unexplained else row.recipe.note
        if note:
            said.setdefault(note, []).append(row.recipe.title)
    notes = [f"- {'; '.join(titles)}: {note}." for note, titles in said.items()]
    notes += [
        f"- {row.recipe.title}: seed {result['seed']} failed: {result['error']}"
        for row in rows
        for result in row.failed
    ]
    return notes
