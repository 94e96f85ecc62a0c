"""Limits of the machine, and the distance of the centre cell from them."""

import numpy as np
from cells import CENTRE
from contenders import LAYERS, OURS, TORCH
from contenders.problem import dataset

from np_nn.utils.markdown import markdown_table

PRODUCTS = ((256, 784, 512), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048))
COPIED = 200  # megabytes: larger than any cache
HIDDEN, CLASSES, INPUTS = 512, 10, 784


def flops(pixels):
    """Return the operations of a step of the centre cell whose first layer reads `pixels` pixels.

    The first layer has two products and the second three, each with an addition and a
    multiplication per weight and image.
    """
    return 2 * CENTRE.batch * (pixels * HIDDEN * 2 + HIDDEN * CLASSES * 3)


def measure(session):
    """Measure the fastest products and copies, for this and other tables."""
    sizes = PRODUCTS[:2] if session.quick else PRODUCTS
    tasks = [(threads, size) for threads in session.thread_counts for size in sizes]
    products = session.each(tasks, lambda task: _products(session, *task), _product)
    copies = session.each(session.thread_counts, lambda threads: _copies(session, threads), _copy)
    session.found.update(products=products, copies=copies)
    if best := best_product(session, session.cores):
        session.found["dense floor"] = flops(INPUTS) / best / 1e6  # ms


def _products(session, threads, size):
    """Return {label: GFLOP/s}."""
    n, m, k = size
    figures = session.ask((LAYERS, TORCH), "product", threads=threads, n=n, m=m, k=k)
    return {label: 2 * n * m * k / ms / 1e6 for label, ms in figures.ms.items()}


def _copies(session, threads):
    """Return {label: GB/s}, read and written bytes together."""
    figures = session.ask((LAYERS, TORCH), "copy", threads=threads, megabytes=COPIED)
    return {label: 2 * COPIED / ms for label, ms in figures.ms.items()}


def best_product(session, threads):
    """Return the GFLOP/s of the fastest product, or None if nothing was measured."""
    found = session.found.get("products", {})
    rates = [r for (t, _), by in found.items() if t == threads for r in by.values()]
    return max(rates, default=None)


def run(session):
    """Return the limits and the distance to them as Markdown."""
    products, copies = session.found.get("products"), session.found.get("copies")
    if not products:
        return ""
    names = {LAYERS: "NumPy", TORCH: "torch"}
    rows = [(f"{_product(task)}, GFLOP/s", *_row(by, names)) for task, by in products.items()]
    rows += [(f"{_copy(threads)}, GB/s", *_row(by, names)) for threads, by in copies.items()]
    text = f"## The machine's limits\n\n{markdown_table(('', *names.values()), rows)}"
    return f"{text}\n\n{_distance(session)}".rstrip()


def _row(by, names):
    return [f"{by[label]:.1f}" if label in by else "-" for label in names]


def _product(task):
    threads, size = task
    return f"product {'x'.join(map(str, size))}, {_threads(threads)}"


def _copy(threads):
    return f"copy of {COPIED} MB, {_threads(threads)}"


def _threads(count):
    return f"{count} thread{'s' * (count > 1)}"


def _distance(session):
    """Compare the centre cell with the best product, counting only pixels that are not zero."""
    ms = session.found.get("steps", {}).get(CENTRE, {}).get(OURS)
    best = best_product(session, session.cores)
    if not ms or not best:
        return ""
    images = dataset(CENTRE.dataset).train.images
    pixels = np.count_nonzero(images) / len(images)
    useful, dense = flops(pixels), flops(INPUTS)
    rows = [
        ("dense, as other libraries count", f"{dense / 1e6:.0f}", f"{dense / best / 1e6:.3f}", "-"),
        (
            f"only the {pixels:.0f} pixels of 784 that are not zero",
            f"{useful / 1e6:.0f}",
            f"{useful / best / 1e6:.3f}",
            f"{useful / ms / 1e6 / best:.0%}",
        ),
    ]
    header = ("work of the centre cell", "MFLOP", "ms at the best product", "np_nn's share of it")
    return f"{markdown_table(header, rows)}\n\nnp_nn: {ms:.3f} ms a step."
