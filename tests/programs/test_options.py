"""Options of the command line reach the recipe."""

import np_nn as nn
from np_nn import cli
from np_nn.recipes import build


def test_every_option_of_the_command_line_reaches_the_recipe():
    words = (
        "--no-plots --activation gelu --output sigmoid --norm layer --noise 0.1 --input-noise 0.2 "
        "--dropout 0.3 --input-dropout 0.4 --residual --init orthogonal --loss mse:reduction=sum "
        "--optimizer adamw:eps=1e-6 --weight-decay 0.1 --schedule step:gamma=0.5 --no-replacement "
        "--clip-norm 1 --clip-value 2 --max-norm 3 --validation 100 --patience 4 --shift 0.5 "
        "--standardize --deskew --augment affine:rotate=3+elastic --class-weights 1 2"
    )
    settings = cli.parse(cli.parser(""), words.split()).settings
    assert settings.optimizer == "adamw:eps=1e-6,weight_decay=0.1"
    assert settings.augment == "affine:rotate=3+elastic"
    assert settings.class_weights == (1.0, 2.0)
    assert (settings.dropout, settings.max_norm, settings.patience) == (0.3, 3.0, 4)
    assert settings.standardize
    assert settings.deskew
    assert settings.residual
    assert not settings.replacement
    optimizer = build.optimizer(settings, nn.Linear(2, 2).parameters())
    assert (optimizer.config["weight_decay"], optimizer.config["eps"]) == (0.1, 1e-6)
