"""ModelInfo: what a model file says of a model besides its layers and weights."""

import json
from dataclasses import dataclass, field

from np_nn.data.preparation import FEATURES, Preparation
from np_nn.utils.plain import plain


@dataclass(frozen=True)
class ModelInfo:
    """Description of a trained network, for those who use it later.

    classes: names of the outputs, in their order. preparation: how a file becomes an input.
    dataset: name of the set that it was trained on. recipe: {hyper-parameter: value}. versions:
    {package: version} of the program that trained it.
    """

    classes: tuple[str, ...] = ()
    preparation: Preparation = field(default_factory=Preparation)
    dataset: str = ""
    recipe: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)

    @classmethod
    def of(cls, data):
        """Return the ModelInfo of a network that is trained on the samples of a `Dataset`."""
        return cls(data.classes, data.preparation, data.name)

    @property
    def metadata(self):
        """The facts by name for other formats, such as ONNX; as text, or as JSON."""
        rule = self.preparation
        facts = {"dataset": self.dataset, "scale": rule.scale, "shift": rule.shift}
        facts |= {"shape": rule.shape, "classes": self.classes, "preparation": rule}
        facts |= {"recipe": self.recipe, "versions": self.versions}
        return {
            name: value if isinstance(value, str) else json.dumps(plain(value))
            for name, value in facts.items()
        }

    @property
    def beside(self):
        """Parts of the preparation that a file of layers alone, such as ONNX, lacks, in words."""
        parts = ["the straightening"] if self.preparation.deskew else []
        parts += ["the standardization"] if self.preparation.kind == FEATURES else []
        return " and ".join(parts)
