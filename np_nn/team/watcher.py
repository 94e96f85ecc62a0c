"""Process beside rank 0 that reports the end of a team whose ranks are all killed."""

import subprocess
import sys

# Prints the last line of its input, unless that is empty.
PROGRAM = """
import signal, sys
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
line = ""
for line in sys.stdin:
    pass
if line.strip():
    print(line.strip(), file=sys.stderr)
"""


class Watcher:
    """Context of a training in whose place another process reports that it was killed.

    When one rank dies, a launcher kills all others at once: none of them can say anything. The
    other process, in a session of its own, sees that its input ends.
    """

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", PROGRAM], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, start_new_session=True, text=True,
        )  # fmt: skip
        self._said = None
        return self

    def say(self, line):
        """Set the line to print if all ranks are killed from now on."""
        if line != self._said:
            self._said = line
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()

    def __exit__(self, *error):
        self.say("")
        self._process.stdin.close()
        self._process.wait()
