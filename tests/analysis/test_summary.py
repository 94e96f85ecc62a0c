"""The summary table of a model: shapes and counts agree with PyTorch's."""

import pytest

import np_nn as nn


def test_a_perceptron_needs_no_shape():
    assert nn.summary(nn.mlp((784, 512, 10))).splitlines() == [
        "layer       output shape  parameters",
        "------------------------------------",
        "0 (Linear)  (512,)           401,920",
        "1 (ReLU)    (512,)                 0",
        "2 (Linear)  (10,)              5,130",
        "------------------------------------",
        "parameters in all: 407,050",
    ]


def test_lenet5_has_its_famous_counts():
    model = nn.lenet5()
    text = nn.summary(model, (1, 28, 28))
    assert "(6, 28, 28)" in text
    assert "61,706" in text.splitlines()[-1]
    rows = text.splitlines()[2:-2]
    assert sum(int(row.split()[-1].replace(",", "")) for row in rows) == 61706


def test_layers_inside_layers_have_the_names_of_state_dict():
    model = nn.residual_mlp(20, 10)
    text = nn.summary(model)
    for name in model.named_parameters():
        assert f"{name.rpartition('.')[0]} (" in text


def test_it_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).train()
    state, random = model.state_dict(), model.random_state()
    nn.summary(model)
    assert model.random_state() == random
    assert all((array == state[name]).all() for name, array in model.state_dict().items())
    assert all(m.training and "forward" not in vars(m) for m in model.modules())


def test_a_single_layer():
    assert "0 (Linear)  (3,)                  15" in nn.summary(nn.Linear(4, 3))


def test_images_need_a_shape():
    with pytest.raises(nn.NpNNError, match="summary needs the shape of one input"):
        nn.summary(nn.lenet5())
