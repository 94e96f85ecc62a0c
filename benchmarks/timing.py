"""Time of one unit of a task. A runner is a function (count) that does `count` units."""

import statistics
import time

CALLS = 5  # number of timed calls that fit into the given time
WARM_UP = 0.15  # fraction of that time spent before, to find the number of units of a call


def measure(run, seconds):
    """Time a runner in whole calls for about `seconds` s; return (median ms of a unit, calls)."""
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
    """Return the seconds of one call."""
    started = time.perf_counter()
    run(units)
    return time.perf_counter() - started
