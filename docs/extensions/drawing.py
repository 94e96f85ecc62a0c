"""The page of np-nn draw as a part of docs/use/draw.md, with a network that trains in a second.

On the website it stands in the place of a comment, which a reader of the Markdown does not see.
"""

from pathlib import Path

import np_nn as nn
from np_nn.visualize.draw import training
from np_nn.visualize.draw.description import describe
from np_nn.visualize.draw.page import page

DOCUMENT = "docs/use/draw"
COMMENT = "<!-- drawing -->"
IMAGES = 500  # that the page holds to train with
FRAME = """Here it is, with a network of 32 hidden units that was trained on scikit-learn's digits:

<iframe src="digit.html" title="The page to draw on" width="100%" height="900"></iframe>"""


def trained():
    """Return a small network that reads the digits of scikit-learn."""
    data = nn.load("digits")
    model = nn.initialize(nn.mlp((784, 32, 10)), "kaiming_uniform", seed=0)
    optimizer, loss = nn.Adam(model.parameters(), lr=0.003), nn.CrossEntropyLoss()
    nn.fit(model, data.train, loss, optimizer, epochs=5, batch_size=50, seed=0, quiet=True)
    model.info = nn.ModelInfo.of(data)
    return model.eval()


def insert(app, docname, source):
    """Put the frame into the document."""
    if docname == DOCUMENT:
        source[0] = source[0].replace(COMMENT, FRAME)


def write(app, error):
    """Write the page beside the document."""
    if error is None and app.builder.format == "html":
        path = Path(app.outdir, DOCUMENT).with_name("digit.html")
        images = training.facts(IMAGES, "digits")
        path.write_text(page("digits", describe(trained()), images), "utf-8")


def setup(app):
    app.connect("source-read", insert)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
