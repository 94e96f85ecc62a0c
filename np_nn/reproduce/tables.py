"""Reproduced results as Markdown tables: published and ours, row by row."""

from itertools import count
from string import ascii_lowercase

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
HEADER = (
    "row", "net", "published", "ours", "difference", "published s", "our s", "factor", "machine",
    "notes",
)  # fmt: skip
UNEXPLAINED = f"more than {DISCREPANCY:g} off, and no experiment says why yet"
NONE = "-"
COMMAND = "python -m np_nn.reproduce"


def summaries(results, table):
    """Return a Summary of each row of a table."""
    rows = [recipe for recipe in recipes.RECIPES.values() if recipe.table == table]
    return [Summary(recipe, results.of(recipe)) for recipe in rows]


def page(results):
    """Return the text of RESULTS.md, with all tables and their pictures."""
    intro = (
        "# Published results, reproduced\n\n"
        "Accuracy on the 10,000 test images of MNIST, or of Fashion-MNIST where a table or a row "
        "says so. Ours: mean ± standard deviation of n networks "
        "that differ in their seed; the time is that of the fastest training of one of them, with "
        "deskewing and distorting its images, on the machine of that letter below the table. "
        "**Bold**: more "
        f"than {DISCREPANCY:g} from the published accuracy; a note of the row names the experiment "
        f"that explains it. Written by `{COMMAND}`.\n"
    )
    return "\n".join([intro, *(text(results, table) + _image(results, table) for table in TITLES)])


def picture(table):
    """Return the file name of a table's picture."""
    return f"table_{table}.png"


def _image(results, table):
    """Return the link to a table's picture, or "" for a table without results."""
    drawn = any(row.n for row in summaries(results, table))
    return f"\n![{TITLES[table]}: test errors, published and ours]({picture(table)})\n" * drawn


def text(results, table):
    """Return the text of one table with its heading, command, totals, machines and notes."""
    rows = summaries(results, table)
    machines = _labels((_place(row) for row in rows if row.n), ascii_lowercase)
    elsewhere = recipes.ELSEWHERE.get(table, ())
    remarks = [row.recipe.note for row in rows if row.recipe.note]
    remarks += [note for *_, note in elsewhere]
    notes = _labels([*remarks, *(note for row in rows for note in _notes(row))], count(1))
    cells = [
        [*_cells(row), machines[_place(row)] if row.n else NONE, _keys(_notes(row), notes)]
        for row in rows
    ]
    cells += [
        [
            title, NONE, f"{published:.4f}", f"{ours:.4f} (n=1)", _difference(ours - published),
            *[NONE] * 4, _keys([note], notes),
        ]
        for title, published, _, ours, note in elsewhere
    ]  # fmt: skip
    missing = [
        [title, NONE, f"{accuracy:.4f}", f"not run: {why}", *[NONE] * 6]
        for title, accuracy, _, why in recipes.NOT_RUN.get(table, ())
    ]
    blocks = [
        f"## {TITLES[table]}\n\n`{COMMAND} --table {table}`",
        markdown_table(HEADER, cells + missing),
        _total(rows),
        "\n".join(f"- machine {letter}: {place}" for place, letter in machines.items()),
        "\n".join(f"{number}. {note}." for note, number in notes.items()),
        "\n".join(_failures(rows)),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _labels(texts, labels):
    """Return {text: label} of the different texts, in order."""
    return dict(zip(dict.fromkeys(texts), labels, strict=False))


def _keys(texts, labels):
    """Return the labels of texts for a cell."""
    return ", ".join(map(str, sorted(labels[text] for text in texts))) or NONE


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


def _place(row):
    """Return the machine, threads and kernels of a row's time."""
    result = row.fastest
    threads = f"{result['threads']} thread{'s' * (result['threads'] > 1)}"
    return f"{result['machine']}; {threads}, {result['kernels']}"


def _notes(row):
    """Return the notes on a row: its recipe's, and the experiment that explains a difference."""
    recipe, notes = row.recipe, []
    if recipe.note:
        notes.append(recipe.note)
    if recipe.experiment and row.n:
        notes.append(f"experiment: {recipe.experiment}")
    elif is_off(row.difference):
        notes.append(UNEXPLAINED)
    return notes


def _failures(rows):
    """Return a line for each network that failed."""
    return [
        f"- {row.recipe.title}: seed {result['seed']} failed: {result['error']}"
        for row in rows
        for result in row.failed
    ]
