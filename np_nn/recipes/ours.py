"""np_nn's own: settings chosen on the last 10,000 training images, none on the test set."""

from np_nn.recipes.recipe import Recipe

_FAST98 = "np_nn's own, found on the last 10,000 training images: benchmarks/tune_fast98.py"

OURS = (
    Recipe(
        "fast98",
        "the fastest to 98 %",
        _FAST98,
        table="ours",
        hidden=(384,),
        bias=True,
        init="torch",
        loss="cross_entropy:label_smoothing=0.1",
        optimizer="sgd:momentum=0.9,nesterov=true",
        lr=0.3,
        schedule="warmup_linear",
        batch_size=64,
        steps=None,
        epochs=2,
        replacement=False,
        scale=1 / 255,
    ),
)
