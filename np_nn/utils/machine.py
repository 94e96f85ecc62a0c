"""Resources of a run and their use: cores, threads, memory, versions."""

import os
import platform
from pathlib import Path


def core_set():
    """Return the numbers of the CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def cores():
    """Return the number of CPU cores that this process may use."""
    return len(core_set())


def threads():
    """Return the default thread count: the cores, or OMP_NUM_THREADS if that is lower.

    joblib sets OMP_NUM_THREADS in its workers so that together they use each core once.
    """
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(cores(), int(given)) if given.isdigit() and int(given) else cores()


def limit_threads(threads):
    """Set the thread count of NumPy's matrix products (BLAS) to `threads`."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=threads)


def peak_memory_mb():
    """Return the peak memory of this process (MB of 10^6 bytes); None where unknown.

    Linux resets its figure, VmHWM, for each program; getrusage's, used elsewhere, may include
    the parent process.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):
        return _peak_from_getrusage()


def _peak_from_getrusage():
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if platform.system() == "Darwin" else peak * 1024 / 1e6


def versions(*packages):
    """Return {name: version} of Python and of the installed ones of `packages`."""
    import importlib.metadata  # 25 ms that importing np_nn should not cost

    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def describe():
    """Describe the machine: processor, cores and operating system."""
    return f"{_processor()}, {cores()} core{'s'[: cores() != 1]}, {platform.system()}"


def blas():
    """Describe the loaded BLAS libraries: name, version and threads of each."""
    from threadpoolctl import threadpool_info

    return [
        f"{found['internal_api']} {found['version'] or ''}".strip()
        + f", {found['num_threads']} thread{'s'[: found['num_threads'] != 1]}"
        for found in threadpool_info()
        if found["user_api"] == "blas"
    ]


def _cpu_facts():
    """Return {fact: value} of the last processor in /proc/cpuinfo; {} without such a file."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return {}
    return dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)


def _processor():
    """Return the CPU's name, with family and model on x86: virtual machines shorten the name."""
    facts = _cpu_facts()
    name = facts.get("model name")
    if name is None:
        return platform.processor() or platform.machine()
    if "cpu family" not in facts:
        return name
    return f"{name} (family {facts['cpu family']}, model {facts['model']})"
