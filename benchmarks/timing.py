"""How long one unit of a task takes. A runner is a function that does so many units of it."""

import statistics
import time

CALLS = 5  # how many timed calls shall fit into the time given
WARM_UP = 0.15  # share of that time that goes before, and tells how long a call must be


def measure(run, seconds):
    """(median ms of one unit, number of timed calls): whole calls, in about so many seconds."""
    run(1)
    units, took, warm = 1, timed(run, 1), time.perf_counter() + WARM_UP * seconds
    while took < seconds / CALLS / 2 and time.perf_counter() < warm:
        units *= 2
        took = timed(run, units)
    units = max(1, round(units * seconds / CALLS / took))
    times, end = [], time.perf_counter() + seconds * (1 - 1 / CALLS / 2)
    while not times or time.perf_counter() < end:
        times.append(timed(run, units) / units)
    return 1e3 * statistics.median(times), len(times)


def timed(run, units):
    """Seconds of one call."""
    started = time.perf_counter()
    run(units)
    return time.perf_counter() - started
