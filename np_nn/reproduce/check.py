"""Check of rows against their stored results: does a network trained now reach as much?"""

from np_nn.reproduce import training
from np_nn.reproduce.results import Summary
from np_nn.utils.errors import NpNNError

ROWS = ("geohot", "fast98", "sklearn_adam", "nielsen_30", "fast99conv")
SPREADS = 3  # tolerance in standard deviations of the stored networks,
LEAST = 0.003  # and its minimum


def check(rows, results, args):
    """Train rows without storing them, and print a line for each; return 1 if one is off, else 0.

    rows: Recipes. results: stored `Results`. args: arguments of the program. Raises NpNNError if
    a row has no stored result.
    """
    stored = {recipe.name: Summary(recipe, results.of(recipe)) for recipe in rows}
    missing = [name for name, summary in stored.items() if not summary.n]
    if missing:
        raise NpNNError(
            f"{results.path} holds no result of {', '.join(missing)}: train without --check first"
        )
    due = [(recipe, seed) for recipe in rows for seed in range(args.seeds or 1)]
    found = {name: [] for name in stored}
    for recipe, result in training.train(due, args):
        found[recipe.name].append(result)
    verdicts = [
        compare(summary, Summary(summary.recipe, found[name])) for name, summary in stored.items()
    ]
    print("\n".join(line for _, line in verdicts))
    return int(any(off for off, _ in verdicts))


def compare(stored, found):
    """Return whether a row is off its stored result, and a line that says by how much.

    stored, found: `Summary` of the row. A network that fails is off.
    """
    name = stored.recipe.name
    if found.failed:
        return True, f"{name}: failed: {found.failed[0]['error']}"
    difference = found.accuracy - stored.accuracy
    limit = max(SPREADS * (stored.spread or 0), LEAST)
    off = round(abs(difference), 6) > round(limit, 6)
    return off, (
        f"{name}: {found.accuracy:.4f}, stored {stored.accuracy:.4f}, difference "
        f"{difference:+.4f}, at most {limit:.4f}: {'OFF' if off else 'ok'}"
    )
