"""Train every published row again, and print published beside ours.

Each finished network is written to results.json at once, so the program can be stopped at any time
and resumes where it stopped: rows finished with their present settings are not trained again.
"""

import sys
from dataclasses import replace

from np_nn import cli, data, ops, recipes
from np_nn.recipes import run
from np_nn.recipes.prepare import prepare
from np_nn.reproduce import tables
from np_nn.reproduce.estimate import EXPENSIVE, SEEDS, Clock, duration, estimate, seeds
from np_nn.reproduce.results import Results
from np_nn.utils import files, machine
from np_nn.utils.converters import file_path, one_of
from np_nn.utils.markdown import markdown_table


def main(argv=None):
    args = parser().parse_args(argv)
    rows = _chosen(args)
    if args.list:
        print(_listed(rows))
        return 0
    cli.use(args)
    files.check_writable(args.out)
    results = Results(args.out / "results.json")
    try:
        _train_missing(rows, results, args)
        status = 0
    except KeyboardInterrupt:
        status = 130
    report = "\n".join(tables.text(results, name) for name in _tables(rows))
    cli.conclude(_writers(results, args.out), report)
    if status:
        print(f"interrupted; kept: {_kept_text(results, rows)}", file=sys.stderr)
    return status


def parser():
    command = cli.Parser(description=__doc__.splitlines()[0])
    add = command.add_argument
    titles = tables.TITLES
    add("--table", type=one_of("table", titles), nargs="+", default=list(titles), metavar="NAME",
        help=f"which tables: {', '.join(titles)} (default: all)")  # fmt: skip
    rows = [recipe.name for recipe in recipes.RECIPES.values() if recipe.table]
    add("--rows", type=one_of("row", rows), nargs="+", metavar="NAME",
        help="only these rows; see --list")  # fmt: skip
    add("--long", action="store_true", help="include rows of more than 15 minutes")
    add("--seeds", type=cli.whole_number(1), metavar="N",
        help=f"networks for each row (default: {SEEDS}, or 1 if one takes more than "
             f"{EXPENSIVE} s)")  # fmt: skip
    add("--again", action="store_true", help="also train finished rows")
    add("--out", type=file_path, default="reproduction", metavar="DIR",
        help="where the results are kept (default: reproduction)")  # fmt: skip
    add("--list", action="store_true", help="show the rows with their estimated times, and exit")
    cli.add_data_options(add, own=False)
    cli.add_threads_option(add)
    add("--quiet", action="store_true", help="no progress, only the tables")
    cli.add_numpy_options(command)
    return command


def _chosen(args):
    """Return the requested rows: the named ones, or those of the tables, long ones on request."""
    if args.rows:
        return [recipes.RECIPES[name] for name in dict.fromkeys(args.rows)]
    rows = [recipe for recipe in recipes.RECIPES.values() if recipe.table in args.table]
    return [recipe for recipe in rows if args.long or args.list or not recipe.long]


def _tables(rows):
    """Return the names of the tables that these rows belong to."""
    return [name for name in tables.TITLES if any(recipe.table == name for recipe in rows)]


# ---- Training -------------------------------------------------------------------------------


def _train_missing(rows, results, args):
    """Train the missing networks; record the error of one that fails, and continue."""
    due = [
        (recipe, seed)
        for recipe in rows
        for seed in range(args.seeds or seeds(recipe))
        if args.again or not results.has(recipe, seed)
    ]
    if not due:
        return
    names = dict.fromkeys(recipe.dataset for recipe, _ in due)
    where = {"data_dir": args.data_dir, "download": args.download, "quiet": args.quiet}
    raw = {name: data.load(name, **where) for name in names}
    clock, prepared, of = Clock(), None, None
    for i, (recipe, seed) in enumerate(due):
        if not args.quiet:
            left = f"about {duration(clock.left(due[i:]))} left"
            print(f"{recipe.name}, seed {seed}: {i + 1} of {len(due)}, {left}", file=sys.stderr)
        try:
            if of is not recipe:
                prepared, of = prepare(recipe, raw[recipe.dataset]), recipe
            result = _train(recipe, prepared, seed, args)
        except Exception as error:  # any error: the other rows still run
            result = {"seed": seed, "error": _error_text(error)}
        results.add(recipe, result)
        clock.done(recipe, result.get("seconds"))


def _train(recipe, prepared, seed, args):
    """Train one network and return its result. Raises KeyboardInterrupt if it was interrupted."""
    if recipe.best_on_test:  # test after each epoch
        prepared = replace(prepared, validation=prepared.test)
    found = run.train(recipe, prepared, seed, args.input, args.quiet)
    if found.history.interrupted:
        raise KeyboardInterrupt
    test = _best_on_test(found) if recipe.best_on_test else found.test
    return {
        "seed": seed,
        "accuracy": test.accuracy,
        "loss": test.loss,
        "seconds": prepared.prepare_seconds + found.compress_seconds + found.history.train_seconds,
        "steps": found.history.done,
        "threads": args.threads,
        "kernels": ops.describe(),
        "machine": machine.describe(),
        "versions": machine.versions("np_nn", "numpy"),
    }


def _best_on_test(found):
    """Return the Evaluation of the epoch that was best on the test set."""
    tried = [test for _, test in found.history.validation]
    return max([*tried, found.test], key=lambda test: test.accuracy)


def _error_text(error):
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


# ---- Output ---------------------------------------------------------------------------------


def _listed(rows):
    cells = [
        (
            recipe.name,
            recipe.table,
            recipe.title,
            recipe.network(),
            f"{recipe.published:.4f}" if recipe.published else tables.NONE,
            f"{seeds(recipe)} x {duration(estimate(recipe))}" + ", --long" * recipe.long,
        )
        for recipe in rows
    ]
    return markdown_table(("row", "table", "title", "net", "published", "takes"), cells)


def _writers(results, folder):
    """Return the writers of RESULTS.md and the picture for ``cli.conclude``."""
    from np_nn import plots

    groups = [(title, tables.summaries(results, name)) for name, title in tables.TITLES.items()]
    dots = [(title, [_dot(row) for row in rows if row.n]) for title, rows in groups]
    dots = [(title, rows) for title, rows in dots if rows]
    page = tables.page(results).encode()
    return [
        lambda: [results.path] if results.path.exists() else [],  # written after each network
        lambda: [files.write_file(folder / "RESULTS.md", page)],
        lambda: [plots.plot_reproduction(dots, folder / "reproduction.png")] if dots else [],
    ]


def _dot(row):
    from np_nn.plots import Dot

    return Dot(row.recipe.title, row.recipe.published, row.accuracy, row.spread)


def _kept_text(results, rows):
    count = sum("error" not in r for recipe in rows for r in results.of(recipe))
    return f"{count} trained networks in {results.path}; the same command resumes from there"


if __name__ == "__main__":
    cli.run(main)
