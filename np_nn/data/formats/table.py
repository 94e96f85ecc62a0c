"""Reader of tables of separated values: a column of labels, and columns of numbers.

NumPy parses the numbers, in C. Python reads the cells only if that fails, to report the line and
the column, or to find the labels.
"""

import csv
import io
import math
import warnings
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from np_nn.data.formats.content import read_plain
from np_nn.data.formats.found import LABELS, TEST, TRAIN, TRANSPOSED, Found, Part, assign, part_of
from np_nn.utils.errors import DataError, nearest, shown

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
EMNIST = (28, 28)  # shape of EMNIST's images
LISTED = 3  # maximum skipped rows that a remark names


def read(paths, options):
    """Return the Found of tables: one file, or one for training and one for testing.

    A test file without the column of labels, like Kaggle's, is left out with a remark. Raises
    DataError for a table that cannot be read, with the line and column of a cell that is wrong.
    """
    named = {Path(path).name: Path(path) for path in paths}
    parts, remarks = assign(named)
    if not parts:
        raise DataError(
            f"{Path(paths[0]).parent}: which of {', '.join(sorted(named))} are the training and "
            "the test set? Name them train.csv and test.csv, or give one of them"
        )
    train = Table(parts[TRAIN], options)
    columns = options.columns or train.features
    if parts[TRAIN].name.lower().startswith("emnist") and len(columns) == math.prod(EMNIST):
        columns = tuple(np.reshape(columns, EMNIST).T.ravel().tolist())
        remarks.append(TRANSPOSED)
    files, found = [parts[TRAIN]], {TRAIN: _part_with(train, columns)}
    if TEST in parts:
        test = Table(parts[TEST], replace(options, label=train.label_name), train.names)
        if test.label is None:
            remarks.append(f"{parts[TEST].name} has no column {train.label_name}: no test set")
        else:
            found[TEST] = _part_with(test, columns)
            files.append(parts[TEST])
            remarks += test.remarks
    remarks = [f"labels are in the column {shown(train.label_name)}", *train.remarks, *remarks]
    return Found(found, columns=columns, files=tuple(files), remarks=remarks)


def _part_with(table, wanted):
    """Return the Part of a Table with the features `wanted`, in that order.

    Raises DataError if the table lacks one.
    """
    part = table.part()
    if table.features == wanted:
        return part
    if missing := [name for name in wanted if name not in table.features]:
        raise DataError(f"{table.path}: no column {shown(missing[0])}, which is needed")
    order = [table.features.index(name) for name in wanted]
    return Part(part.samples[:, order], part.labels)


class Table:
    """Table file with its columns of labels and features.

    label: index of the column of labels; None for a test file without one. names: of all columns.
    features: names of the features. remarks: lines for the report.
    """

    def __init__(self, path, options, known=None):
        self.path, self.options, self.remarks = path, options, []
        self.lines = _lines(path)
        self.delimiter = _delimiter(self.lines[0])
        self.names, self.first = self._header(known)
        self.label = self._label(known)
        self.index = 0 if self.names[0] == "" and self.label != 0 else None
        left = (self.label, self.index)
        self.features = tuple(name for i, name in enumerate(self.names) if i not in left)

    @property
    def label_name(self):
        return self.names[self.label]

    def _label(self, known):
        if known is not None and self.options.label not in self.names:
            return None
        return label_column(self.path, self.names, self.options.label, self._text_column())

    def _text_column(self):
        """Return the index of the only text column of a table without a header, else 0."""
        texts = [i for i, cell in enumerate(self._cells(0)) if not _is_number(cell)]
        return texts[0] if self.first == 0 and len(texts) == 1 else 0

    def _header(self, known):
        """Return (names of the columns, index of the first line of numbers).

        The first line is a header if more than one cell is not a number, or one is not where the
        next line has a number, or one is a usual name of labels, or all are names in `known`. Else
        the columns are called 1, 2 ...
        """
        first, second = (self._cells(number) for number in (0, 1))
        names = [cell.strip() for cell in first]
        texts = [i for i, cell in enumerate(first) if not _is_number(cell)]
        is_header = (
            len(texts) > 1
            or any(name.lower() in LABELS for name in names)
            or any(i < len(second) and _is_number(second[i]) for i in texts)
            or (known is not None and set(names) <= set(known))
        )
        if len(names) < 2:
            raise DataError(f"{self.path}: one column: labels and features are needed")
        if not is_header:
            return [str(i + 1) for i in range(len(first))], 0
        if len(set(names)) < len(names):
            twice = min(name for name, count in Counter(names).items() if count > 1)
            raise DataError(f"{self.path}: two columns are called {shown(repr(twice))}")
        return names, 1

    def _cells(self, number):
        """Return the cells of a line; [] after the last."""
        return next(_rows(self.lines[number : number + 1], self.delimiter, self.path), (0, []))[1]

    def part(self):
        """Return the Part: samples (n, I), whole numbers or floats. Raises DataError."""
        lines, codes = self.lines[self.first :], {}
        if not any(line.strip() for line in lines):
            raise DataError(f"{self.path}: names of columns alone, without a row")
        table = _load(lines, self.delimiter, self.label, codes)
        if table is None or not np.isfinite(table).all():
            codes.clear()
            table = _load(self._good_lines(), self.delimiter, self.label, codes)
        if table is None or not len(table):
            raise DataError(f"{self.path}: the rows cannot be read as numbers")
        if table.shape[1] != len(self.names):
            raise DataError(
                f"{self.path}: {len(self.names)} names in its first line, but {table.shape[1]} "
                f"cells in line {self.first + 1}"
            )
        labels = np.array(list(codes))[table[:, self.label].astype(np.int64)]
        left = [column for column in (self.label, self.index) if column is not None]
        if self.index is not None:
            self.remarks.append(f"{self.path.name}: the first column has no name, and is left out")
        return Part(np.delete(table, left, axis=1), labels)

    def _good_lines(self):
        """Return the valid lines. Raises DataError for another, unless options.skip is set."""
        good, bad = [], []
        for number, row in _rows(self.lines, self.delimiter, self.path):
            if number <= self.first:
                continue
            if why := self._row_error(row):
                bad.append(f"line {number}, {why}")
                if not self.options.skip:
                    raise DataError(f"{self.path}: {bad[0]}")
            else:
                good.append(self.lines[number - 1])
        if not good:
            raise DataError(f"{self.path}: no row can be read: {bad[0] if bad else 'it has none'}")
        if bad:
            more = " ..." if len(bad) > LISTED else ""
            said = "; ".join(bad[:LISTED])
            self.remarks.append(f"{self.path.name}: {len(bad):,} rows skipped: {said}{more}")
        return good

    def _row_error(self, row):
        """Describe the error in a row of cells; "" if there is none."""
        if len(row) != len(self.names):
            return f"{len(row)} cells instead of {len(self.names)}"
        for i, cell in enumerate(row):
            name = shown(self.names[i] or str(i + 1))
            if not cell.strip():
                return f"column {name}: the cell is empty"
            if i not in (self.label, self.index) and not _is_number(cell):
                what = f"column {name}: {shown(repr(cell))} is not a finite number"
                return f"{what} (labels are in column {shown(self.label_name)}; --label, label=)"
        return ""


def _load(lines, delimiter, label, codes):
    """Return all cells as numbers (n, columns), or None if one is not a number.

    codes: {label: its number}, to which new labels are added.
    """

    def code(cell):
        text = cell.strip()
        if not text:
            raise ValueError("empty label")
        return codes.setdefault(text, len(codes))

    options = {"delimiter": delimiter, "quotechar": '"', "comments": None, "ndmin": 2}
    options |= {"converters": {label: code}, "encoding": "utf-8"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy 1 only warns when it truncates 3.5 to an integer
        for dtype in (np.int16, np.int64, np.float64):  # row numbers may exceed int16
            with suppress(ValueError, OverflowError, Warning):
                return np.loadtxt(lines, dtype, **options)
    return None


def read_text(path):
    """Return (names, rows): the header, and (line number, cells) of each row of text."""
    lines = _lines(path)
    delimiter = _delimiter(lines[0])
    rows = _rows(lines, delimiter, path)
    names = [cell.strip() for cell in next(rows)[1]]
    return names, rows


def _rows(lines, delimiter, path):
    """Yield (line number, cells) of each row that is not empty."""
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: {error}") from None


def label_column(path, names, wanted=None, default=0):
    """Return the index of the column of labels: `wanted`, or one of LABELS, or `default`."""
    small = [name.lower() for name in names]
    if wanted is not None:
        if wanted not in names:
            known = ", ".join(names[:20]) + (" ..." if len(names) > 20 else "")
            found = f"no column {shown(repr(wanted))}{nearest(wanted, names)}"
            raise DataError(f"{path}: {found} (it has {shown(known)})")
        return names.index(wanted)
    named = [small.index(name) for name in LABELS if name in small]
    if not named and default == 0 and small[0].startswith("pixel"):
        raise DataError(f"{path}: only pixels, without a column of labels: give a labelled set")
    return named[0] if named else default


def _lines(path):
    content = read_plain(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not text in UTF-8 (byte {error.start:,})") from None
    lines = list(io.StringIO(text, newline=None))
    if not lines[0].strip():
        raise DataError(f"{path}: its first line is empty")
    return lines


def _delimiter(line):
    """Return the most frequent separator of a line."""
    return max(",;\t", key=line.count)


def _is_number(cell):
    try:
        return math.isfinite(float(cell)) and "_" not in cell  # Python accepts 1_000
    except ValueError:
        return False


def is_table(name):
    """Return whether a file's name has a table's ending."""
    return str(name).lower().endswith(ENDINGS)


def candidates(paths):
    """Return the tables among `paths`: those named after a part if there are any, else all."""
    tables = [path for path in paths if is_table(path)]
    parts = [path for path in tables if part_of(path.name)]
    return parts or tables
