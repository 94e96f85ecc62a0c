"""Markdown tables."""

from unicodedata import east_asian_width


def markdown_table(header, rows):
    """Return a Markdown table with aligned columns; cells after the first are right-aligned.

    header: column titles; rows: sequences of as many cells, of any type. A cell's line breaks
    become spaces, and its pipes are escaped.
    """
    cells = [[_one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(2, *map(_width, column)) for column in zip(*cells, strict=True)]

    def line(row):
        gaps = [" " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
        padded = [row[0] + gaps[0], *map(str.__add__, gaps[1:], row[1:])]
        return f"| {' | '.join(padded)} |"

    rule = [f":{'-' * (widths[0] - 1)}"] + [f"{'-' * (width - 1)}:" for width in widths[1:]]
    return "\n".join([line(cells[0]), line(rule), *map(line, cells[1:])])


def _one_line(cell):
    return " ".join(str(cell).splitlines()).replace("|", r"\|")


def _width(text):
    """Return the number of columns that a text takes in a terminal."""
    return sum(1 + (east_asian_width(character) in "WF") for character in text)
