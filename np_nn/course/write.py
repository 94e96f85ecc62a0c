"""Write the files of the course into a folder: each has a hole to fill, then np-nn check FILE."""

from np_nn import cli
from np_nn.course.lessons import LESSONS
from np_nn.utils import files
from np_nn.utils.converters import file_path
from np_nn.utils.errors import NpNNError


def parser():
    command = cli.Parser(description=__doc__)
    command.add_argument("folder", type=file_path, metavar="DIR", help="made if it is not there")
    return command


def main(argv=None):
    folder = cli.parse(parser(), argv).folder
    there = [name for name in LESSONS if folder.joinpath(name).exists()]
    if there:
        raise NpNNError(
            f"{folder} holds {there[0]} already, and nothing of yours is overwritten: name another "
            "folder"
        )
    files.check_writable(folder)
    for name, lesson in LESSONS.items():
        files.write_file(folder / name, lesson.written.encode())
    first = folder / next(iter(LESSONS))
    print(f"{len(LESSONS)} files; read {first}, fill its hole, then run: np-nn check {first}")
    return 0
