"""A page in a headless browser: what would trouble a reader on a phone or a desk, day or night."""

import shutil
import sys
from contextlib import contextmanager
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
    """A chromium that playwright drives; skips the test where one of them is missing."""
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
def opened(chromium, path, size="phone", scheme="light", folder=None):
    """The page of a file, and the list of what went wrong so far; arguments as in ``problems``."""
    context = chromium.new_context(viewport=SIZES[size], color_scheme=scheme, offline=True)
    page, found, home = context.new_page(), [], folder or Path(path).parent
    page.on("pageerror", lambda error: found.append(f"script: {error}"))
    page.on("console", lambda said: said.type in ("error", "warning") and found.append(said.text))
    page.on("request", lambda request: found.extend(_outside(request.url, home)))
    try:
        page.goto(Path(path).absolute().as_uri(), wait_until="load")
        yield page, found
    finally:
        context.close()


def _outside(url, folder):
    """The request, unless it is for data in the page, or for a file in the folder."""
    inside = url.startswith(("data:", "blob:", Path(folder).absolute().as_uri()))
    return [] if inside else [f"a request for {url[:80]}"]


def problems(chromium, path, folder=None):
    """What is wrong with the page of a file, a line each: [] if nothing is.

    On a phone and on a desk, in light and dark: messages of the console, errors of scripts,
    requests to anywhere but a folder, by default the page's own, sideways scrolling, broken
    images, missing alt text. No network can be reached.
    """
    every = []
    for size in SIZES:
        for scheme in SCHEMES:
            with opened(chromium, path, size, scheme, folder) as (page, found):
                found += page.evaluate(LOOK)
                every += [f"{Path(path).name}, {size}, {scheme}: {line}" for line in found]
    return every


def screenshot(path, picture, size, scheme):
    """What a reader sees first of the page of a file, as a PNG."""
    with browser() as chromium, opened(chromium, path, size, scheme) as (page, _):
        page.screenshot(path=picture)


if __name__ == "__main__":  # python tests/support/browser.py PAGE PICTURE phone|desk light|dark
    screenshot(*sys.argv[1:])
