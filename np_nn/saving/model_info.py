"""ModelInfo: what a model file says of a model besides its layers and weights."""

from dataclasses import dataclass, field

from np_nn.data.preparation import Preparation


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
