"""End of a program: writing the requested files, printing the report, the exit status."""

import json
import sys
from functools import partial

from np_nn.cli import outputs
from np_nn.cli.report import as_dict, interruption, text
from np_nn.utils import files
from np_nn.utils.errors import NpNNError


def to_json(content):
    """Return plain data as the text of a JSON file."""
    return json.dumps(content, indent=1)


def conclude(writers, report, target=None, content=None, pictures=()):
    """Call functions that write files, then print the report; return the paths of the files.

    The files come first, so that a broken terminal loses none of them. A file that fails stops
    neither the other files nor the report.

    Args:
        writers: functions () -> paths of the files written.
        report: text to print.
        target: path of --json, or None. For STDOUT the JSON is printed in place of the report, and
            nothing else is printed on stdout.
        content: function () -> plain data, which is written to the target as JSON.
        pictures: more writers, called last because they take longest.

    Raises:
        NpNNError: at the end, naming all files that failed.
    """
    alone = outputs.is_stdout(target)
    if target and not alone:
        writers = [*writers, lambda: [files.write_file(target, to_json(content()).encode())]]
    writers = [*writers, *pictures]
    written, failed = [], []
    try:
        for write in writers:
            try:
                written += write()
            except NpNNError as error:
                failed.append(str(error))
    finally:
        print(to_json(content()) if alone else report)
    if written:
        print(f"written: {', '.join(map(str, written))}", file=sys.stderr if alone else None)
    if failed:
        raise NpNNError("; ".join(failed))
    return written


def finish(run, args, writers=()):
    """Write what the arguments ask for, print the report, and return the exit status.

    writers: additional writers for ``conclude``. Raises the errors of ``conclude``.
    """
    done = [result.history.saved[0] for result in run.results if result.history.saved]
    given = [getattr(args, name, None) for name in ("log", "tensorboard")]
    done += [path for path in given if path]
    writers = [*writers, lambda: done]  # callbacks have written these
    content, pictures = partial(as_dict, run), _pictures(run, args)
    written = conclude(writers, text(run), args.json, content, pictures)
    if run.interrupted:
        also = " and the files above" if written else ""
        safe = run.results[-1].history.kept
        print(f"{interruption(run)}; kept: the table{also}{safe}", file=sys.stderr)
        return 130
    return 0


def _pictures(run, args):
    """Yield the writers of the page and of the pictures, if the arguments ask for them."""
    if args.report:
        from np_nn.cli.page import page

        yield lambda: [files.write_file(args.report, page(run, args.command).encode())]
    if not args.no_plots and run.results[0].history.done:
        from np_nn.cli.pictures import draw

        yield lambda: draw(run, args.out, args.format)
