"""reproduction/experiments/hours.py: its networks are the published ones."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from np_nn.layers.module import inference

EXPERIMENTS = Path(__file__).resolve().parents[2] / "reproduction" / "experiments"


@pytest.fixture
def hours(monkeypatch):
    monkeypatch.syspath_prepend(EXPERIMENTS)
    return importlib.import_module("hours")


def test_the_networks_end_in_ten_classes(hours):
    images = np.zeros((1, 1, 28, 28), np.float32)
    for make, _ in hours.NETWORKS.values():
        with inference():
            assert make().forward(images).shape == (1, 10)


def test_the_wide_resnet_has_its_published_size(hours):
    weights = sum(parameter.data.size for parameter in hours.wide_resnet().parameters())
    assert weights == pytest.approx(8.9e6, rel=0.02)


def test_the_table_has_a_row_for_each_network(hours, monkeypatch, capsys):
    monkeypatch.setattr(hours, "BATCH", 1)
    monkeypatch.setattr(hours, "NETWORKS", {"small": (lambda: hours.simple((2, 3), 5), 10)})
    hours.main([])
    assert "| small   |" in capsys.readouterr().out
