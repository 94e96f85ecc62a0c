"""Compare the bits of short training runs between instruction sets, compilers and machines.

    python -m tests.support.targets                           all that runs here: `make bits`
    python -m tests.support.targets --only gcc aarch64 --whole

A row is kernels/wasm/nets.c, built for a target and run, if necessary in an emulator; or recipes
trained by np_nn with the compiled kernels. A column is the SHA-256 of a trained network. Rows of
one class, with fused or with separate multiply-adds, must be equal: otherwise the exit status is 1,
as it is if a row fails. A row says if something that it needs is not installed.
"""

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.support import bits

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    f"kernels/wasm/{name}.c" for name in ("nets", "convolution", "norm", "pooling", "pointwise")
]
FLAGS = [
    "-g0", "-w", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-Ikernels",
]  # fmt: skip
SETS = ("avx512", "avx2", "baseline")
RECIPES = ("fast98", "fast99conv", "noisy", "sklearn_adam")
# tests that call kernels with random shapes, once per instruction set
CALLS = (
    "-k", "not fit and not process and not instruction and not two_calls",
    *(f"tests/kernels/test_{name}.py" for name in
      ("mlp", "norm", "pointwise", "convolution", "pooling", "warp", "mlp_steps")),
)  # fmt: skip
PACKAGES = {  # Debian packages of missing programs
    "clang": "clang", "gcc": "gcc", "node": "nodejs", "wine": "wine wine64",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "s390x-linux-gnu-gcc": "gcc-s390x-linux-gnu libc6-dev-s390x-cross",
}  # fmt: skip
FAILED = "FAILED"
WASI = """
const {WASI} = require('wasi'), wasi = new WASI({version: 'preview1', args: ['nets']});
WebAssembly.instantiate(require('fs').readFileSync(process.argv[1]), wasi.getImportObject())
    .then((made) => wasi.start(made.instance));
"""


class MissingError(Exception):
    """Missing requirement of a row on this machine; the text is the row's reason."""


class BrokenError(Exception):
    """Failure of an installed compiler or of its program; the text is the row's reason."""


@dataclass(frozen=True)
class Target:
    """A program to build and run: its compiler, machine and instruction set."""

    machine: str
    compiler: str
    flags: tuple = ("-O3",)
    runner: str = ""
    isa: str = "best"  # x86: a value of NP_NN_ISA

    def build(self):
        """Return what determines the program: rows with equal values share it."""
        return self.compiler, self.flags

    def labels(self):
        size = " ".join(flag.removeprefix("-D") for flag in self.flags if "target" not in flag)
        return self.machine, f"{self.compiler} {size}", self.runner or "-"


def zig(machine, triple, runner, *flags):
    return Target(machine, "zig", (f"--target={triple}", "-O3", *flags), runner)


def targets():
    """Return every row's target."""
    x86 = [Target("x86-64", compiler, isa=isa) for compiler in ("gcc", "clang") for isa in SETS]
    return [
        *x86,
        Target("x86-64", "gcc", ("-O2",)),
        Target("x86-64", "gcc", ("-O3", "-DNN_PLAIN"), isa="baseline"),
        zig("x86-64", "x86_64-linux-musl", ""),
        zig("Windows", "x86_64-windows-gnu", "wine"),
        zig("aarch64", "aarch64-linux-musl", "qemu-aarch64"),
        Target("aarch64", "aarch64-linux-gnu-gcc", ("-O3", "-static"), "qemu-aarch64"),
        zig("s390x", "s390x-linux-musl", "qemu-s390x"),
        Target("s390x", "s390x-linux-gnu-gcc", ("-O3", "-static"), "qemu-s390x"),
        zig("riscv64", "riscv64-linux-musl", "qemu-riscv64"),
        zig("ppc64le", "powerpc64le-linux-musl", "qemu-ppc64le"),
        zig("armv7", "arm-linux-musleabihf", "qemu-arm"),
        zig("WebAssembly", "wasm32-wasi", "node"),
        zig("WebAssembly", "wasm32-wasi", "node", "-msimd128"),
    ]  # fmt: skip


# ---- One program ------------------------------------------------------------------------------


def command(name):
    """Return the first words of a command line; raise MissingError without the program."""
    if name == "zig":
        if importlib.util.find_spec("ziglang"):
            return [sys.executable, "-m", "ziglang", "cc"]
        found = shutil.which("zig") or shutil.which("python-zig")
        if not found:
            raise MissingError("no zig: pip install ziglang")
        return [found, "cc"]
    found = shutil.which(name)
    if name == "node" and not found and (spec := importlib.util.find_spec("playwright")):
        found = shutil.which(Path(spec.origin).parent / "driver" / "node")
    if not found:
        raise MissingError(f"no {name}: apt-get install {PACKAGES.get(name, 'qemu-user')}")
    return [found, "-e", WASI] if name == "node" else [found]


def build(compiler, flags, folder):
    """Compile nets.c into folder and return the program.

    Raises MissingError, and BrokenError if they do not compile.
    """
    program = Path(tempfile.mkdtemp(dir=folder), "nets.exe")
    made = subprocess.run(
        [*command(compiler), *flags, *FLAGS, *SOURCES, "-lm", "-o", program],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        lines = made.stderr.strip().splitlines() or [f"status {made.returncode}"]
        raise BrokenError(next((line for line in lines if "error" in line), lines[-1]))
    return program


def run(program, target):
    """Return (instruction set, class, {network: SHA-256}) of a program.

    Raises MissingError, and BrokenError if it fails.
    """
    environment = os.environ | {"WINEDEBUG": "-all", "WINEPREFIX": str(program.parent / "wine")}
    environment.pop("NP_NN_ISA", None)
    if target.isa != "best":
        environment["NP_NN_ISA"] = target.isa
    start = command(target.runner) if target.runner else []
    done = subprocess.run(
        [*start, program], env=environment, capture_output=True, text=True, check=False
    )
    *nets, last = [line.split() for line in done.stdout.splitlines()] or [[]]
    if done.returncode or last[:1] != ["isa"]:
        raise BrokenError(f"status {done.returncode} {done.stderr.strip()[-80:]}")
    if target.isa not in ("best", last[1]):
        raise MissingError(f"this CPU has no {target.isa}")
    return (*last[1:], {name: hashlib.sha256(words.encode()).hexdigest() for name, words in nets})


# ---- The kernels of np_nn ---------------------------------------------------------------------


def set_in_use(isa):
    """Return the instruction set that the compiled kernels choose for NP_NN_ISA=isa.

    Raises MissingError if there are no kernels, or this CPU lacks the set.
    """
    asked = "from np_nn._kernels import mlp; print(mlp.isa())"
    found = subprocess.run(
        [sys.executable, "-c", asked], env=os.environ | {"NP_NN_ISA": isa}, cwd=ROOT,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if found.returncode:
        raise MissingError("no compiled kernels: make train")
    if found.stdout.strip() != isa:
        raise MissingError(f"this CPU has no {isa}")
    return isa


def kernel_calls(isa, *options):
    """Return a line for each call of a kernel in tests/kernels: its name, and hashes (kernel_bits).

    options: of pytest, files and -k. Raises MissingError, and CalledProcessError if a test fails.
    """
    set_in_use(isa)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "calls")
        subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                "-p", "tests.support.kernel_bits", "--bits", log, *options,
            ],
            env=os.environ | {"NP_NN_ISA": isa}, cwd=ROOT, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        return log.read_text("utf-8").splitlines()


# ---- The table ----------------------------------------------------------------------------------


def measure(chosen, jobs):
    """Return a row for each target: labels, set, class, {network: SHA-256}; or labels, reason.

    A reason that begins with FAILED is a fault, others say what is missing.
    """
    builds = list(dict.fromkeys(target.build() for target in chosen))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        programs = {each: pool.submit(build, *each, folder) for each in builds}

        def row(target):
            try:
                return target.labels(), *run(programs[target.build()].result(), target)
            except MissingError as missing:
                return target.labels(), str(missing)
            except BrokenError as broken:
                return target.labels(), f"{FAILED}: {broken}"

        return list(map(row, chosen))  # one row at a time, parallel to the builds


def trained(names, steps, isa, threads):
    """Return {recipe: SHA-256} of np_nn's own trainings. Raises MissingError."""
    set_in_use(isa)
    return {name: bits.digest(name, "compiled", steps, threads, isa) for name in names}


def called(isa):
    """Return {number of calls: SHA-256} of the calls in tests/kernels. Raises MissingError."""
    lines = kernel_calls(isa, *CALLS)
    return {f"{len(lines)} calls": hashlib.sha256("\n".join(lines).encode()).hexdigest()}


def of_np_nn(names, steps):
    """Return the rows of Python: by instruction set and number of threads, and of the kernels."""
    rows = []
    for isa in SETS:
        kind = "separate" if isa == "baseline" else "fused"
        for how, work in (
            ("1 thread", lambda isa=isa: trained(names, steps, isa, 1)),
            ("2 threads", lambda isa=isa: trained(names, steps, isa, 2)),
            ("tests/kernels", lambda isa=isa: called(isa)),
        ):
            labels = ("np_nn", how, "Python")
            try:
                rows.append((labels, isa, kind, work()))
            except MissingError as missing:
                rows.append((labels, str(missing)))
            except subprocess.CalledProcessError as broken:  # it has said why
                rows.append((labels, f"{FAILED}: status {broken.returncode}"))
    return rows


def differing(rows):
    """Return the (class, network) pairs whose rows have different bits."""
    seen = {}
    for row in rows:
        if len(row) == 4:
            for network, digest in row[3].items():
                seen.setdefault((row[2], network), set()).add(digest)
    return [pair for pair, digests in seen.items() if len(digests) > 1]


def failed(rows):
    """Return the rows whose compiler or program is installed but fails."""
    return [row for row in rows if len(row) == 2 and row[1].startswith(FAILED)]


def show(rows, whole):
    """Print rows as a table in Markdown, with the first 8 digits of each SHA-256, or all."""
    networks = list(dict.fromkeys(name for row in rows if len(row) == 4 for name in row[3]))
    print("| machine | built by | run by | set | class |", " | ".join(networks), "|")
    print("| :-- | :-- | :-- | :-- | :-- |", " | ".join([":--"] * len(networks)), "|")
    for labels, *found in rows:
        if len(found) == 1:
            print("|", " | ".join(labels), "| - | - |", found[0], "|")
            continue
        isa, kind, digests = found
        cells = [digests.get(name, "-")[: 64 if whole else 8] for name in networks]
        print("|", " | ".join((*labels, isa, kind, *cells)), "|", flush=True)
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD",
                        help="rows that contain one of these; np_nn: Python's")  # fmt: skip
    parser.add_argument("--recipes", nargs="*", default=RECIPES, metavar="NAME",
                        help=f"default: {' '.join(RECIPES)}")  # fmt: skip
    parser.add_argument("--steps", type=int, default=50, metavar="N", help="of a recipe")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="compilers")
    parser.add_argument("--whole", action="store_true", help="print each SHA-256 whole")
    args = parser.parse_args()
    chosen = [
        target
        for target in targets()
        if not args.only or any(word in " ".join(target.labels()) for word in args.only)
    ]
    tables = [measure(chosen, args.jobs)] if chosen else []
    if not args.only or "np_nn" in args.only:
        tables.append(of_np_nn(args.recipes, args.steps))
    if not tables:
        parser.error(f"--only {' '.join(args.only)}: no row contains that")
    for rows in tables:
        show(rows, args.whole)
    wrong = [pair for rows in tables for pair in differing(rows)]
    for kind, network in wrong:
        print(f"{network}: rows of the class {kind} differ")
    return 1 if wrong or any(map(failed, tables)) else 0


if __name__ == "__main__":
    sys.exit(main())
