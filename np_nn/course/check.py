"""Check a file of the course; when it is right, train with it on MNIST."""

import multiprocessing
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec

from np_nn import cli
from np_nn.cli.subprogram import run_json
from np_nn.course import trial
from np_nn.course.lessons import LESSONS
from np_nn.utils.converters import file_path
from np_nn.utils.errors import NpNNError, nearest
from np_nn.utils.markdown import markdown_table
from np_nn.utils.progress import announce

SECONDS = 20  # maximum of a check: the reader's code may never end


def parser():
    command = cli.Parser(description=__doc__)
    add = command.add_argument
    add("file", type=file_path, metavar="FILE", help="a file that np-nn course wrote")
    add("--hint", action="count", default=0, help="show a hint; given twice: two; and so on")
    add("--no-train", action="store_true", help="only check, do not train")
    add("--traceback", action="store_true", help="show where your code raised an exception")
    return command


def main(argv=None):
    args = cli.parse(parser(), argv)
    if args.file.name not in LESSONS or not args.file.is_file():
        hint = nearest(args.file.name, LESSONS)
        raise NpNNError(f"{args.file}: no such file of the course{hint}; np-nn course writes it")
    lesson = LESSONS[args.file.name]
    for function, hints in lesson.hints.items() if args.hint else ():
        print("\n".join([f"{function}:", *(f"  {hint}" for hint in hints[: args.hint])]))
    try:
        _examine(args, lesson)
    except NpNNError as error:
        if args.traceback and error.__cause__:
            print(error.__cause__, file=sys.stderr)
        raise NpNNError(f"{args.file}: {error}") from None
    later = [name for name in LESSONS if name > lesson.name]
    print(f"next: {args.file.with_name(later[0])}" if later else "that was the last of the course")
    return 0


def _examine(args, lesson):
    """Check the file and train with it, in a process of its own, which may crash or never end."""
    context = multiprocessing.get_context("spawn")
    ignored = signal.signal, (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends this process, then it
    others = {*multiprocessing.active_children()}
    with ProcessPoolExecutor(1, context, *ignored) as pool:
        try:
            path = args.file.absolute()
            pool.submit(trial.load, path).result(SECONDS)
            print(f"{args.file}: right, {', '.join(lesson.hints)}", flush=True)
            if not args.no_train:
                for _ in announce(["training"], str):
                    found = pool.submit(trial.train, path).result()
                print(_report(*found))
        except TimeoutError:
            raise NpNNError(f"no end after {SECONDS} s: is there an endless loop?") from None
        except BrokenProcessPool:
            raise NpNNError("it crashed: does it read or write outside an array?") from None
        finally:
            for child in {*multiprocessing.active_children()} - others:
                child.kill()


def _report(title, words, rows):
    """Return the table of the trainings, and of PyTorch's if it is installed."""
    if find_spec("torch"):
        for _ in announce(["PyTorch"], str):
            run = run_json("train-torch", *words)
            steps = len(run["runs"][0]["batches"]["loss"])
            rows.append(("PyTorch", run["test_accuracy"], steps, run["step_ms_median"]))
    cells = [(name, f"{accuracy:.4f}", done, f"{ms:.2f}") for name, accuracy, done, ms in rows]
    return f"\n{title}\n\n{markdown_table(['', 'test accuracy', 'steps', 'ms a step'], cells)}\n"
