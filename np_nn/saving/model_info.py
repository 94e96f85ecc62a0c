"""ModelInfo: facts of a model file besides layers and weights."""

import json
from dataclasses import dataclass, field

from np_nn.data.dataset import Dataset
from np_nn.data.preparation import FEATURES, Preparation
from np_nn.utils.arguments import check_arguments
from np_nn.utils.plain import plain
from np_nn.utils.types import Self


@dataclass(frozen=True)
class ModelInfo:
    """Description of a trained network for its later users.

    classes: names of the outputs, in order. preparation: how a file becomes an input.
    dataset: name of the training set. recipe: {hyper-parameter: value}. versions:
    {package: version} of the program that trained it.
    """

    classes: tuple[str, ...] = ()
    preparation: Preparation = field(default_factory=Preparation)
    dataset: str = ""
    recipe: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)

    @classmethod
    @check_arguments
    def of(cls, data: Dataset) -> Self:
        """Return the ModelInfo of a network that is trained on a `Dataset`."""
        return cls(data.classes, data.preparation, data.name)

    @property
    def metadata(self) -> dict[str, str]:
        """The facts for other formats, such as ONNX, text by name; other values as JSON text."""
        rule = self.preparation
        facts = {"dataset": self.dataset, "scale": rule.scale, "shift": rule.shift}
        facts |= {"shape": rule.shape, "classes": self.classes, "preparation": rule}
        facts |= {"recipe": self.recipe, "versions": self.versions}
        return {
            name: value if isinstance(value, str) else json.dumps(plain(value))
            for name, value in facts.items()
        }

    @property
    def beside(self) -> str:
        """The preparation steps, in words, that a file of layers alone, such as ONNX, lacks."""
        parts = ["the deskewing"] if self.preparation.deskew else []
        parts += ["the standardization"] if self.preparation.kind == FEATURES else []
        return " and ".join(parts)
