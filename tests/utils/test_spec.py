"""Names with options, as in sgd:momentum=0.9: results and errors."""

import pytest

import np_nn as nn
from np_nn import optim
from np_nn.utils import spec

pytestmark = pytest.mark.kernel_independent
TABLE = {"sgd": nn.SGD, "rmsprop": nn.RMSprop, "none": None}


def test_a_text_names_an_object_and_its_options():
    parameters = nn.Linear(2, 2).parameters()
    made = spec.build("rmsprop:alpha=0.9,centered=true", TABLE, "optimizer", parameters, lr=0.5)
    assert isinstance(made, nn.RMSprop)
    assert (made.config["alpha"], made.config["centered"], made.lr) == (0.9, True, 0.5)
    assert spec.parse("sgd:betas=[0.9,0.99],lr=1", {"sgd": nn.Adam}, "x")[1] == {
        "betas": [0.9, 0.99],
        "lr": 1,
    }
    assert spec.change("sgd:momentum=0.9", momentum=0.5, nesterov=True) == (
        "sgd:momentum=0.5,nesterov=true"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sdg", "unknown optimizer 'sdg'; did you mean 'sgd'?"),
        ("sgd:momentun=1", "unknown option of sgd 'momentun'; did you mean 'momentum'?"),
        ("sgd:momentum", "written as name=value"),
        ("sgd:=3", "written as name=value"),
        ("none:x=1", "unknown option of none 'x'"),
        ("sgd:momentum=x", "sgd: momentum must be a number, got 'x'"),
        ("sgd:momentum=true", "must be a number, got True"),
        ("sgd:nesterov=1", "nesterov must be true or false, got 1"),
        ("rmsprop:alpha=[0.9]", "must be a number"),
        ("rmsprop:alpha=1e999", "must be a number, got inf"),
        ("sgd:parameters=3", "unknown option of sgd 'parameters'"),
    ],
)
def test_texts_that_name_nothing(text, message):
    with pytest.raises(nn.NpNNError, match="(?s)" + message.replace("?", r"\?")):
        spec.parse(text, TABLE, "optimizer")


def test_a_list_must_be_as_long_as_the_default():
    table = {"adam": nn.Adam}
    for betas in ("[0.9]", "[0.9,0.9,0.9]", "0.9", '["a",1]'):
        with pytest.raises(nn.NpNNError, match="adam: betas must be a list of numbers"):
            spec.parse(f"adam:betas={betas}", table, "optimizer")


def test_what_is_given_by_itself_is_no_option():
    with pytest.raises(nn.NpNNError, match="sgd: lr is given by itself"):
        spec.build("sgd:lr=1", optim.OPTIMIZERS, "optimizer", [], 0.1)
