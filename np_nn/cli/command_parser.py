"""Parser of the programs' arguments: each error is one line, unknown options are explained."""

import argparse
import re
import sys
from itertools import takewhile

from np_nn.cli import ranks
from np_nn.cli.name import program_name
from np_nn.utils.errors import nearest, one_line

NEGATIVE = re.compile(r"-(\.?\d|inf|nan)", re.I)  # a value; argparse takes -1e-05 for an option


class Parser(argparse.ArgumentParser):
    """Parser of options written in full. If an option is repeated, its last value counts.

    An error is one line, without the usage above it; that of an unknown option names the nearest.
    """

    def __init__(self, **options):
        super().__init__(**{"prog": program_name(), "allow_abbrev": False, **options})
        self._negative_number_matcher = NEGATIVE

    def parse_args(self, args=None, namespace=None):
        words = sys.argv[1:] if args is None else list(args)
        for word in filter(self._is_unknown, takewhile(lambda word: word != "--", words)):
            option, known = word.partition("=")[0], list(self._option_string_actions)
            longer = [name for name in known if name.startswith(option)]
            hint = nearest(option, longer or known)
            self.error(f"unknown option {option}{hint} (--help lists all)")
        found, left = self.parse_known_args(words, namespace)
        if left:
            self.error(f"unexpected argument {left[0]!r} (--help shows the usage)")
        return found

    def _is_unknown(self, word):
        """Return whether argparse would take a word for an option, and there is no such option."""
        is_option = word[:1] == "-" != word and " " not in word and not NEGATIVE.match(word)
        names = {word.partition("=")[0], word[:2]}  # -oFILE is -o FILE
        return is_option and names.isdisjoint(self._option_string_actions)

    def error(self, message):
        sys.exit(ranks.fail(f"{self.prog}: error: {one_line(message)}", 2))
