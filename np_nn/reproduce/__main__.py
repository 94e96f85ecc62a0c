"""Train every published row again, and print published beside ours.

Each finished network is written to results.json at once, so the program can be stopped at any time
and resumes where it stopped: rows finished with their present settings are not trained again.
"""

import sys

from np_nn import cli, recipes
from np_nn.reproduce import check, tables, training
from np_nn.reproduce.estimate import EXPENSIVE, SEEDS, duration, estimate, seeds
from np_nn.reproduce.results import Results
from np_nn.utils import files
from np_nn.utils.converters import file_path, one_of
from np_nn.utils.markdown import markdown_table


def main(argv=None):
    args = parser().parse_args(argv)
    rows = _chosen(args)
    if args.list:
        print(_listed(rows))
        return 0
    cli.use(args)
    results = Results(args.out / "results.json")
    if args.check:
        return check.check(rows, results, args)
    files.check_writable(args.out)
    due = [
        (recipe, seed)
        for recipe in rows
        for seed in range(args.seeds or seeds(recipe))
        if args.again or not results.has(recipe, seed)
    ]
    try:
        for recipe, result in training.train(due, args):
            results.add(recipe, result)
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
    which = command.add_mutually_exclusive_group().add_argument
    which("--table", type=one_of("table", titles), nargs="+", default=list(titles), metavar="NAME",
          help=f"which tables: {', '.join(titles)} (default: all)")  # fmt: skip
    which("--check", action="store_true",
          help="train one network of a few rows, store nothing, and fail if one is off its stored "
               f"result (default rows: {', '.join(check.ROWS)})")  # fmt: skip
    rows = [recipe.name for recipe in recipes.RECIPES.values() if recipe.table]
    add("--rows", type=one_of("row", rows), nargs="+", metavar="NAME",
        help="only these rows; see --list")  # fmt: skip
    add("--seeds", type=cli.whole_number(1), metavar="N",
        help=f"networks for each row (default: {SEEDS}, or 1 if one takes more than "
             f"{EXPENSIVE} s)")  # fmt: skip
    add("--jobs", type=cli.whole_number(1), default=1, metavar="N",
        help="networks trained side by side, each in a process with its share of the threads; at "
             "most the number of cores (default: 1)")  # fmt: skip
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
    """Return the requested rows: the named ones, or those of the tables."""
    names = args.rows or (check.ROWS if args.check else ())
    if names:
        return [recipes.RECIPES[name] for name in dict.fromkeys(names)]
    return [recipe for recipe in recipes.RECIPES.values() if recipe.table in args.table]


def _tables(rows):
    """Return the names of the tables that these rows belong to."""
    return [name for name in tables.TITLES if any(recipe.table == name for recipe in rows)]


# ---- Output ---------------------------------------------------------------------------------


def _listed(rows):
    cells = [
        (
            recipe.name,
            recipe.table,
            recipe.title,
            recipe.network(),
            f"{recipe.published:.4f}" if recipe.published else tables.NONE,
            f"{seeds(recipe)} x {duration(estimate(recipe))}",
        )
        for recipe in rows
    ]
    return markdown_table(("row", "table", "title", "net", "published", "takes"), cells)


def _writers(results, folder):
    """Return the writers of RESULTS.md and its pictures for ``cli.conclude``."""
    from np_nn import plots

    rows = {name: tables.summaries(results, name) for name in tables.TITLES}
    dots = {name: [_dot(row) for row in found if row.n] for name, found in rows.items()}
    page = tables.page(results).encode()
    return [
        lambda: [results.path] if results.path.exists() else [],  # written after each network
        lambda: [files.write_file(folder / "RESULTS.md", page)],
        lambda: [
            plots.plot_reproduction(tables.TITLES[name], found, folder / tables.picture(name))
            for name, found in dots.items()
            if found
        ],
    ]


def _dot(row):
    from np_nn.plots import Dot

    return Dot(row.recipe.title, row.recipe.published, row.accuracy, row.spread)


def _kept_text(results, rows):
    count = sum("error" not in r for recipe in rows for r in results.of(recipe))
    return f"{count} trained networks in {results.path}; the same command resumes from there"


if __name__ == "__main__":
    cli.run(main)
