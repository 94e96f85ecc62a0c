"""Checks of a page in a headless browser, on phone and desktop sizes, in light and dark mode."""

import shutil
import sys
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
SIZES = {"phone": {"width": 360, "height": 740}, "desk": {"width": 1280, "height": 800}}
SCHEMES = ("light", "dark")
LOOK = """async () => {
  const found = [], wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) found.push(`${wide} pixels wide, of ${innerWidth}`);
  for (const image of document.images) {
    const name = image.alt.trim() || image.src.slice(0, 80);
    if (!image.alt.trim()) found.push(`no alt text: ${name}`);
    image.loading = "eager";
    await image.decode().catch(() => {});
    if (!image.naturalWidth) found.push(`a broken image: ${name}`);
  }
  return found;
}"""


@contextmanager
def browser():
    """Yield a chromium driven by playwright; skip the test if either is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if not path:
        pytest.skip("no chromium is installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield started
        finally:
            started.close()


@contextmanager
def opened(chromium, path, size="phone", scheme="light"):
    """Yield the open page of a file; arguments as in ``problems``."""
    with _tab(chromium, size, scheme, Path(path).parent) as (page, _):
        _load(page, path)
        yield page


@contextmanager
def _tab(chromium, size, scheme, folder):
    """Yield an empty page, and the list of problems found so far on the pages it loads."""
    context = chromium.new_context(viewport=SIZES[size], color_scheme=scheme, offline=True)
    page, found = context.new_page(), []
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
    page.on("console", lambda said: said.type in ("error", "warning") and found.append(said.text))
    page.on("request", lambda request: found.extend(_outside(request.url, folder)))
    try:
        yield page, found
    finally:
        context.close()


def _load(page, path):
    page.goto(Path(path).absolute().as_uri(), wait_until="load")


def _outside(url, folder):
    """Return [problem] for a URL that is neither data nor a file in the folder, else []."""
    inside = url.startswith(("data:", "blob:", Path(folder).absolute().as_uri()))
    return [] if inside else [f"a request for {url[:80]}"]


def problems(chromium, *paths, folder=None):
    """Return the problems of the pages of files, a line each, or [].

    Tested on a phone and a desktop, in light and dark mode: console messages, script errors,
    requests outside a folder (default: the first page's folder), horizontal scrolling, broken
    images, missing alt text. There is no network.
    """
    every = []
    for size, scheme in product(SIZES, SCHEMES):
        with _tab(chromium, size, scheme, folder or Path(paths[0]).parent) as (page, found):
            for path in paths:
                _load(page, path)
                found += page.evaluate(LOOK)
                every += [f"{Path(path).name}, {size}, {scheme}: {line}" for line in found]
                found.clear()
    return every


def screenshot(path, picture, size, scheme):
    """Return the first screen of a file's page as a PNG."""
    with browser() as chromium, opened(chromium, path, size, scheme) as page:
        page.screenshot(path=picture)


if __name__ == "__main__":  # python tests/support/browser.py PAGE PICTURE phone|desk light|dark
    screenshot(*sys.argv[1:])
