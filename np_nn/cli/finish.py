"""The end of a program: print the report, write the files asked for, return the exit status."""

import json
import sys

from np_nn.cli.report import as_dict, interruption, text
from np_nn.utils import files


def to_json(content):
    """Return plain data as the bytes of a JSON file."""
    return json.dumps(content, indent=1).encode()


def finish(run, args):
    """Print the report, write what the arguments ask for, and return the exit status."""
    print(text(run))
    kept = [result.history.saved[0] for result in run.results if result.history.saved]
    if args.json:
        files.write_file(args.json, to_json(as_dict(run)))
        kept.append(args.json)
    if args.report:
        from np_nn.cli.page import page

        files.write_file(args.report, page(run, args.command).encode())
        kept.append(args.report)
    if not args.no_plots and run.results[0].history.done:
        from np_nn.cli.pictures import draw

        kept += draw(run, args.out, args.format)
    if kept:
        print(f"written: {', '.join(map(str, kept))}")
    if run.interrupted:
        also = " and the files above" if kept else ""
        safe = run.results[-1].history.kept
        print(f"{interruption(run)}; kept: the table{also}{safe}", file=sys.stderr)
        return 130
    return 0
