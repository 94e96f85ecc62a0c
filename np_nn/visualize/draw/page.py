"""Page as one text, with style, scripts and weights inside; it requests no other files."""

import base64
import json
import re
from pathlib import Path

from jinja2 import StrictUndefined, Template
from markupsafe import Markup

from np_nn.visualize.draw import training

FOLDER = Path(__file__).parent
# ES modules, each after those that it imports; joined, so that the page needs no request.
MODULES = (
    "arrays", "dense", "windows", "network", "resize", "prepare", "pad", "maps", "unit", "learn",
    "passes", "mlp", "sha256", "safetensors", "idx", "charts", "train", "main",
)  # fmt: skip
IMPORT = re.compile(r"^import .*;\n", re.M)
EXPORT = re.compile(r"^export ", re.M)
EXPORTED = re.compile(r"^export (?:async )?(?:class|const|function) (\w+)", re.M)


def page(name, network, trained=None):
    """Return the HTML text of a Network.

    name: name of the model. trained: ``training.facts()`` of the page, by default without images.
    """
    trained = trained or training.facts()
    facts = network.facts | {"weights": base64.b64encode(network.weights).decode()}
    return _rendered(
        "page.html",
        name=name,
        network=network,
        style=Markup(_read("style.css") + _read("train.css")),
        train=Markup(_rendered("train.html", training=trained)),
        script=Markup("\n".join(map(_module, MODULES))),
        worker=Markup(_read("worker.js")),
        data=_json(facts),
        training=_json(trained),
    )


def _rendered(file, **values):
    return Template(_read(file), autoescape=True, undefined=StrictUndefined).render(values)


def _json(facts):
    """Return plain values as JSON for a script element, which an unescaped < could end."""
    return Markup(json.dumps(facts, separators=(",", ":")).replace("<", "\\u003c"))


def _module(name):
    """Return a module as a function called at once, so that only its exports are visible."""
    text = _read(f"{name}.js")
    exported = ", ".join(EXPORTED.findall(text))
    body = EXPORT.sub("", IMPORT.sub("", text))
    return f"const {{ {exported} }} = (() => {{\n{body}return {{ {exported} }};\n}})();"


def _read(name):
    return (FOLDER / name).read_text("utf-8")
