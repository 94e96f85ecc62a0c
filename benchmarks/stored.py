"""Measure training from a stored set: memory, and images per second beside a set in memory.

    python benchmarks/stored.py [--copies N] [--jobs N] [--folder DIR]

MNIST is stored as 135 distorted copies (8.1 million images, 5 GB) in a temporary folder, or in one
that is kept. Each training is one pass of 784-512-10 over as many images, in a process of its own:
from memory (the first copy, read into memory, as often), from the page cache, from memory again,
and from the disk after the pages were dropped, there within a cgroup of 1 GB where one can be made.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

import np_nn as nn
from np_nn.cli import whole_number
from np_nn.utils import machine
from np_nn.utils.converters import file_path

COPIES = 135
LIMIT = 10**9  # bytes of the cgroup
MOST_ANONYMOUS, LEAST_SHARE = 300, 0.8  # MB, and times the images/s from memory: the targets
GROUPS = {  # folder in which a cgroup is made: (file of its limit, file of its processes)
    "/sys/fs/cgroup/memory/np_nn_stored": ("memory.limit_in_bytes", "cgroup.procs"),
    "/sys/fs/cgroup/np_nn_stored": ("memory.max", "cgroup.procs"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    number = {"type": whole_number(1), "metavar": "N"}
    parser.add_argument("--copies", default=COPIES, help="distorted copies of MNIST", **number)
    parser.add_argument("--jobs", default=1, help="processes that distort them", **number)
    parser.add_argument("--folder", type=file_path, metavar="DIR", help="where the set is kept")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(child(*args.child)))
        return 0
    with tempfile.TemporaryDirectory(prefix="np_nn_stored_") as folder:
        return measure(args.folder or Path(folder, "set"), args)


def measure(folder, args):
    """Store the set, train from it in each way, and print the figures."""
    started = time.perf_counter()
    data = nn.store(nn.load("mnist"), folder, distort=args.copies, jobs=args.jobs)
    seconds, count = time.perf_counter() - started, len(data.train)
    paths = [path for path in folder.iterdir() if path.suffix == ".bin"]
    size = sum(path.stat().st_size for path in paths)
    print(
        f"{machine.describe()}\n{count:,} images stored in {seconds:.0f} s; {size / 1e9:.2f} GB",
        flush=True,
    )
    read(paths)
    found = {name: trained(name, folder) for name in ("memory", "page cache", "memory again")}
    drop(paths)
    with cgroup() as group:
        found["disk"] = trained("disk", folder, group)
    whole = (found["memory"]["rate"] + found["memory again"]["rate"]) / 2
    for name, one in found.items():
        print(f"from {name:12} {one['rate']:>9,.0f} images/s, {one['rate'] / whole:.2f} times; "
              f"peak of anonymous memory {one['anonymous']:.0f} MB")  # fmt: skip
    print("from disk: pages dropped by posix_fadvise"
          + (f", within a cgroup of {LIMIT / 1e9:g} GB" if group else ""))  # fmt: skip
    share = found["page cache"]["rate"] / whole
    anonymous = max(found[name]["anonymous"] for name in ("page cache", "disk"))
    met = share >= LEAST_SHARE and anonymous < MOST_ANONYMOUS
    print(f"targets, {LEAST_SHARE:g} times and {MOST_ANONYMOUS} MB: {'met' if met else 'missed'}")
    return 0 if met else 1


def trained(name, folder, group=""):
    """Train in a process of its own, in a cgroup if its file of processes is given."""
    command = [sys.executable, __file__, "--child", name.split()[0], str(folder), str(group)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def child(where, folder, group):
    """Train one pass; return images/s, and the peak of anonymous memory in MB."""
    if group:
        Path(group).write_text(str(os.getpid()))
    peak, ended = [0.0], threading.Event()

    def watch():
        while not ended.wait(0.02):
            peak[0] = max(peak[0], anonymous())

    threading.Thread(target=watch, daemon=True).start()
    data = nn.load(folder, quiet=True)
    train, epochs = data.train, 1
    if where == "memory":
        count = min(60_000, len(train))
        epochs = len(train) // count
        some = np.asarray(train.images[:count]), np.array(train.labels[:count])
        train = nn.Split(*some, train.scale)
        assert train.rows  # compressed before the clock starts
    model = nn.initialize(nn.mlp((784, 512, 10)), "torch", seed=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1)
    started = time.perf_counter()
    nn.fit(model, train, nn.CrossEntropyLoss(), optimizer, epochs=epochs, batch_size=256, seed=0,
           quiet=True)  # fmt: skip
    seconds = time.perf_counter() - started
    ended.set()
    return {"rate": epochs * len(train) / seconds, "anonymous": peak[0]}


def anonymous():
    """Return the anonymous memory of this process in MB; 0 where the system does not say."""
    with suppress(OSError, IndexError):
        return int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) / 1024
    return 0.0


def read(paths):
    """Read files into the page cache."""
    for path in paths:
        with path.open("rb") as file:
            while file.read(2**24):
                pass


def drop(paths):
    """Drop the pages of files from the page cache."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


@contextmanager
def cgroup():
    """Make a cgroup of LIMIT for a ``with`` block; return its file of processes, "" without one."""
    for folder, (limit, members) in GROUPS.items():
        group = Path(folder)
        with suppress(OSError):
            group.mkdir()
            (group / limit).write_text(str(LIMIT))
            yield group / members
            group.rmdir()
            return
    yield ""


if __name__ == "__main__":
    sys.exit(main())
