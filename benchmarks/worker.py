"""python benchmarks/worker.py CONTENDER --threads N: one contender, alone in its process.

Reads one request per line on stdin, {"task", "arguments", "seconds"} as JSON, and answers with
one line on stdout: {"ms": of one unit of the task, "peak_mb": of the process so far, ...} or
{"error": reason}.
"""

import argparse
import json
import os
import signal
import sys
from dataclasses import dataclass

from contenders import contender
from timing import measure

from np_nn.utils import machine

try:
    import resource
except ImportError:  # Windows
    resource = None

CHECKED_STEPS = 5  # first steps of a task, whose results prove that all contenders do the same


@dataclass
class Worker:
    """Worker that prepares the requested task, and keeps it until another one is requested."""

    tasks: object
    asked: tuple = ()
    run: object = None
    first: object = None

    def answer(self, request):
        asked = request["task"], request["arguments"]
        if asked != self.asked:
            self.asked, self.run = (), None  # frees the memory of the last one
            self.run = getattr(self.tasks, request["task"])(**request["arguments"])
            self.first, self.asked = self.run(CHECKED_STEPS), asked
        before = preemptions()
        ms, calls = measure(self.run, request["seconds"])
        return {
            "ms": ms,
            "calls": calls,
            "first": self.first,
            "peak_mb": machine.peak_memory_mb(),
            "preemptions": preemptions() - before,
        }


def preemptions():
    """Return how often the system has given a core of this process to another one so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw if resource else 0


def keep_to(threads):
    """Restrict this process to `threads` of its cores, which limits every library alike."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def main():
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("contender", help="a label, or the path of a built extension")
    command.add_argument("--threads", type=int, required=True, metavar="N")
    args = command.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles Ctrl-C
    keep_to(args.threads)
    answers, sys.stdout = sys.stdout, sys.stderr  # text printed by libraries is not an answer
    worker = Worker(contender(args.contender).tasks(args.threads))
    for line in sys.stdin:
        try:
            answer = worker.answer(json.loads(line))
        except Exception as error:  # any error fails this contender, not the whole run
            words = str(error).strip().splitlines() or [""]
            answer = {"error": f"{type(error).__name__}: {words[0]}"[:200]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
