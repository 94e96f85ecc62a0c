"""Results of the reproduced rows: a JSON file that grows by one trained network at a time.

{row: {"settings": {...}, "results": [{"seed": 0, "accuracy": ...}, {"seed": 1, "error": ...}]}}
"""

import json
import statistics
from dataclasses import fields
from pathlib import Path

from np_nn.recipes import Recipe
from np_nn.utils import files
from np_nn.utils.errors import NpNNError
from np_nn.utils.lock import locked

# Settings that decide a result: the fields that recipes are compared by, and which epoch counts.
SETTINGS = [field for field in fields(Recipe) if field.compare or field.name == "best_on_test"]


class Results:
    """Results in a JSON file. ``add`` writes it at once, so that no finished network is lost.

    Several programs may add to one file. Raises NpNNError for a file with other content.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.rows = _read(self.path)

    def of(self, recipe):
        """Return the results of a row (a list of dicts); [] if its settings have changed."""
        row = self.rows.get(recipe.name)
        return row["results"] if row and _same(row["settings"], recipe) else []

    def has(self, recipe, seed):
        """Return whether this network is trained; one that failed is not, and is tried again."""
        return any(r["seed"] == seed and "error" not in r for r in self.of(recipe))

    def add(self, recipe, result):
        """Keep a result, in place of an earlier one of the same seed, and write the file."""
        with locked(self.path):
            self.rows = _read(self.path)  # what other programs have added
            others = [r for r in self.of(recipe) if r["seed"] != result["seed"]]
            results = sorted([*others, result], key=lambda r: r["seed"])
            self.rows[recipe.name] = {"settings": settings(recipe), "results": results}
            files.write_file(self.path, json.dumps(self.rows, indent=1, sort_keys=True).encode())


def settings(recipe):
    """Return the settings that decide the result of a Recipe, as plain data."""
    values = {field.name: getattr(recipe, field.name) for field in SETTINGS}
    return json.loads(json.dumps(values))  # tuples become lists, as in the file


def _same(stored, recipe):
    """Return whether stored settings equal the recipe's; fields added later have defaults."""
    defaults = {field.name: field.default for field in SETTINGS}
    return json.loads(json.dumps({**defaults, **stored})) == settings(recipe)


def _read(path):
    try:
        rows = json.loads(path.read_text()) if path.exists() else {}
        for row in rows.values():
            assert isinstance(row["settings"], dict)
            assert all("error" in r or 0 <= r["accuracy"] <= 1 for r in row["results"])
    except OSError as error:
        raise NpNNError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError):
        raise NpNNError(f"{path}: not results of this program; move it away") from None
    return rows


class Summary:
    """Figures of one row. results: list returned by ``Results.of``.

    n: number of trained networks; accuracy: their mean, None if n = 0; spread: its standard
    deviation, None if n < 2; fastest: the result with the least time, which other programs on the
    machine disturbed least, None if n = 0; difference: to the published accuracy.
    """

    def __init__(self, recipe, results):
        self.recipe, self.results = recipe, results
        self.good = [result for result in results if "error" not in result]
        self.failed = [result for result in results if "error" in result]
        self.n = len(self.good)
        accuracies = [result["accuracy"] for result in self.good]
        self.accuracy = statistics.mean(accuracies) if self.n else None
        self.spread = statistics.stdev(accuracies) if self.n > 1 else None
        self.fastest = min(self.good, key=lambda result: result["seconds"], default=None)

    @property
    def seconds(self):
        """Time of the fastest training, None if n = 0."""
        return self.fastest["seconds"] if self.n else None

    @property
    def difference(self):
        known = self.n and self.recipe.published
        return self.accuracy - self.recipe.published if known else None
