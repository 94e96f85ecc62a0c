"""Model files: a network is rebuilt without its code, exactly as it was written."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import np_nn as nn
from np_nn.data.preparation import FEATURES, Preparation
from np_nn.models import MODELS
from np_nn.utils import archive
from tests import cases

pytestmark = pytest.mark.kernel_independent
KEPT = Path(__file__).with_name("model_v1.safetensors")
INFO = nn.ModelInfo(
    ("cat", "dog", "ß"), Preparation("image", (2, 2), scale=0.5, shift=-1.0, deskew=True),
    "pets", {"hidden": (3, 4), "lr": 0.1, "augment": "", "steps": None}, {"np_nn": "0.1.0"},
)  # fmt: skip


def small():
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


def there_and_back(model, path, info=None):
    nn.save_model(model, path, info)
    return nn.load_model(path)


def assert_same(model, back, x):
    assert repr(back) == repr(model)
    state, found = model.state_dict(), back.state_dict()
    assert list(found) == list(state)
    for name, array in state.items():
        assert found[name].dtype == array.dtype
        assert found[name].tobytes() == array.tobytes()
    assert back(x).dtype == model(x).dtype
    assert back(x).tobytes() == model(x).tobytes()


def distorted(model):
    """Change every array of a model, as training would."""
    rng = np.random.default_rng(0)
    for held in (model.named_parameters() | model.named_buffers()).values():
        held.data += rng.uniform(0, 3, held.shape).astype(held.data.dtype)
    return model.eval()


@pytest.mark.parametrize(**cases.parametrize(cases.LAYERS))
def test_every_layer_comes_back(case, tmp_path):
    dtype = (np.float32, np.float64)[case.id.count("=") % 2]  # alternates over the rows
    model = distorted(case.make().to(dtype))
    assert_same(model, there_and_back(model, tmp_path / "m.safetensors"), case.inputs(dtype))


@pytest.mark.parametrize("name", MODELS)
def test_every_model_comes_back(name, tmp_path, digits):
    settings = {"mlp": {"sizes": (784, 12, 10), "norm": "layer", "residual": True},
                "residual_mlp": {}, "resnet": {"channels": (2, 3)}}.get(name)  # fmt: skip
    model = distorted(MODELS[name](**({"channels": (2, 3)} if settings is None else settings)))
    shape = (784,) if "mlp" in name else (1, 28, 28)
    x = np.random.default_rng(1).random((2, *shape), np.float32)
    back = there_and_back(model, tmp_path / "m.safetensors", nn.ModelInfo.of(digits))
    assert_same(model, back, x)
    assert back.info.preparation.split(digits.test.images[:3]).scale == digits.test.scale


def test_numbers_of_numpy_and_layers_of_two_dtypes_come_back(tmp_path):
    model = nn.Sequential(
        nn.Linear(np.int64(4), 5), nn.LeakyReLU(np.float32(0.2)), nn.Linear(5, 3, bias=np.True_)
    )
    model[0].to(np.float64)
    back = there_and_back(model, tmp_path / "m.safetensors")
    assert back[0].weight.data.dtype == np.float64
    assert back[2].weight.data.dtype == np.float32
    x = np.ones((2, 4))
    assert back(x).tobytes() == model(x).tobytes()


def test_what_is_loaded_is_ready_to_use_and_to_train_on(tmp_path):
    model = nn.Sequential(nn.Dropout(0.5), *small())
    back = there_and_back(model, tmp_path / "m.safetensors")
    x = np.random.default_rng(0).random((6, 4), np.float32)
    assert back(x).tobytes() == model.eval()(x).tobytes()
    before = back.state_dict()
    optimizer = nn.SGD(back.parameters(), 0.1)
    data = nn.Split(x, np.arange(6) % 3)
    nn.fit(back, data, nn.CrossEntropyLoss(), optimizer, steps=3, batch_size=2, quiet=True)
    assert not np.array_equal(before["1.weight"], back.state_dict()["1.weight"])


def test_saving_and_loading_change_no_number_that_is_drawn_later(tmp_path):
    model = small()
    nn.manual_seed(1)
    wanted = nn.Linear(3, 3).weight.data
    nn.manual_seed(1)
    there_and_back(model, tmp_path / "m.safetensors")
    assert np.array_equal(nn.Linear(3, 3).weight.data, wanted)


# ---- The model's description ------------------------------------------------------------------


def test_info_comes_back(tmp_path):
    model = small()
    assert there_and_back(model, tmp_path / "m.safetensors", INFO).info == INFO
    model.info = INFO
    assert there_and_back(model, tmp_path / "m.safetensors").info == INFO


def test_versions_are_noted_where_the_user_gives_none(tmp_path):
    versions = there_and_back(small(), tmp_path / "m.safetensors").info.versions
    assert versions["numpy"] == np.__version__


def test_a_model_without_an_info_does_not_say_what_it_takes(tmp_path):
    info = there_and_back(small(), tmp_path / "m.safetensors").info
    with pytest.raises(nn.NpNNError, match="does not say which samples it takes: save it with"):
        info.preparation.split(np.zeros((2, 4)))


def test_info_of_features_prepares_rows_as_in_training(tmp_path):
    rule = Preparation(
        FEATURES, (4,), False, columns=tuple("abcd"), mean=(1.0, 2.0, 3.0, 4.0), std=(1.0,) * 4
    )
    info = replace(INFO, preparation=rule)
    back = there_and_back(small(), tmp_path / "m.safetensors", info)
    assert back.info == info
    assert back.info.preparation.split([[1, 2, 3, 4]]).images.tolist() == [[0, 0, 0, 0]]


def test_info_of_a_data_set_has_the_scale_of_its_samples(digits):
    info = nn.ModelInfo.of(replace(digits, train=replace(digits.train, scale=0.5, shift=2.0)))
    assert (info.preparation.scale, info.preparation.shift) == (0.5, 2.0)
    assert (info.preparation.kind, info.classes, info.dataset) == (
        "digit",
        digits.classes,
        "digits",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ("a", "b")}, r"outputs of shape \(3,\) for 2 classes"),
        ({"preparation": Preparation(shape=(3, 3))}, r"Linear\(4, 5\) expects \(batch, 4\)"),
    ],
)
def test_an_info_of_another_model_is_refused(change, message, tmp_path):
    with pytest.raises(nn.NpNNError, match=message):
        nn.save_model(small(), tmp_path / "m.safetensors", replace(INFO, **change))
    assert not list(tmp_path.iterdir())


# ---- Other files ------------------------------------------------------------------------------


def test_other_readers_find_the_weights(tmp_path):
    model, path = small(), tmp_path / "m.safetensors"
    nn.save_model(model, path, INFO)
    read = safetensors.numpy.load_file(path)
    assert read.keys() == model.state_dict().keys()
    assert np.array_equal(read["2.weight"], model.state_dict()["2.weight"])
    assert np.array_equal(nn.load_weights(small(), path)[0].weight.data, model[0].weight.data)


def blobs():
    rng = np.random.default_rng(0)
    return nn.Split(rng.integers(0, 256, (40, 2, 2), dtype=np.uint8), np.arange(40) % 3)


def train(model, path, **options):
    nn.fit(
        model, blobs(), nn.CrossEntropyLoss(), nn.Adam(model.parameters(), 0.05), batch_size=8,
        quiet=True, callbacks=[nn.Checkpoint(path)], **options,
    )  # fmt: skip
    return model


def test_a_checkpoint_is_a_model_file(tmp_path):
    path = tmp_path / "run"
    model = train(small(), path, epochs=2).eval()
    back = nn.load_model(path)
    assert_same(model, back, np.ones((1, 4), np.float32))
    assert back.info.preparation == Preparation.of(blobs())
    model.info = INFO
    train(model, path, epochs=1)
    assert nn.load_model(path).info == INFO


def test_a_checkpoint_of_early_stopping_gives_the_best_weights(tmp_path):
    path = tmp_path / "run"
    model = train(small(), path, epochs=9, validation=blobs(), early_stopping=nn.EarlyStopping(2))
    tree = nn.load_checkpoint(path)
    assert not np.array_equal(tree["best"]["weights"]["0.weight"], tree["model"]["0.weight"])
    assert_same(model.eval(), nn.load_model(path), np.ones((1, 4), np.float32))


def test_a_checkpoint_of_before_resumes_and_says_what_it_lacks(tmp_path):
    path = tmp_path / "run"
    train(small(), path, epochs=1)
    tree = archive.read(path)
    del tree["network"]
    archive.write(path, tree)
    assert "load_weights(model, path)" in refused(path)
    train(small(), path, epochs=2, resume=path)
    assert nn.load_model(path)[0].weight.shape == (4, 5)


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


class ReLU(nn.ReLU):  # another class with the name of np_nn's
    pass


@pytest.mark.parametrize("layer", [Doubled(), nn.Sequential(ReLU())])
def test_a_layer_of_the_users_own_is_refused_by_name(layer, tmp_path):
    path, model = tmp_path / "m.safetensors", nn.Sequential(*small(), layer)
    name = type(layer[0] if isinstance(layer, nn.Sequential) else layer).__name__
    with pytest.raises(nn.NpNNError, match=rf"test_model_file\.{name} is not one of.*save_weights"):
        nn.save_model(model, path)
    assert not path.exists()


def test_a_checkpoint_of_the_users_own_layers_is_written_and_resumed(tmp_path):
    model, path = nn.Sequential(ReLU(), *small()), tmp_path / "run"
    train(model, path, epochs=1)
    train(model, path, epochs=2, resume=path)
    assert "ReLU is not one of np_nn's own layers" in refused(path)


def refused(path):
    with pytest.raises(nn.NpNNError) as caught:
        nn.load_model(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert str(path) in message
    return message


def test_files_without_a_model_say_what_is_missing(tmp_path):
    nn.save_weights(small(), tmp_path / "bare.safetensors")
    (tmp_path / "any.pt").write_bytes(b"anything")
    for name in ("bare.safetensors", "any.pt"):
        assert "holds weights without a description of their network" in refused(tmp_path / name)
    (tmp_path / "text.safetensors").write_bytes(b"hello" * 9)
    assert "is damaged" in refused(tmp_path / "text.safetensors")
    assert "is not there" in refused(tmp_path / "none.safetensors")
    archive.write(tmp_path / "tree", {"a": 1})
    assert "is neither a model file nor a checkpoint" in refused(tmp_path / "tree")


def test_what_cannot_be_saved_says_so(tmp_path):
    with pytest.raises(nn.NpNNError, match=r"unknown ending of a model file '.pt'"):
        nn.save_model(small(), tmp_path / "m.pt")
    model = small()
    model[0].weight.data[0, 0] = np.nan
    with pytest.raises(nn.NpNNError, match="cannot save the model: its weights are not finite"):
        nn.save_model(model, tmp_path / "m.safetensors")
    model = small()
    model[1].extra = nn.Linear(2, 2)  # not built by its constructor
    with pytest.raises(nn.NpNNError, match="ReLU cannot be built"):
        nn.save_model(model, tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())


# ---- Hostile files, and files of later versions -----------------------------------------------


def layer(kind, **config):
    return {"name": "0", "type": kind, "config": config}


def nested(depth):
    names = ["", *(".".join("0" * (i + 1)) for i in range(depth))]
    return [{"name": name, "type": "Sequential", "config": {}} for name in names]


HOSTILE = {
    "none": ([], "needs a list of 1 to 10,000 layers"),
    "size": ([layer("Linear", in_features=2**30, out_features=2**30)], "but its arrays 0 numbers"),
    "filters": (
        [layer("Conv2d", in_channels=2**9, out_channels=2**9, kernel_size=[2**9, 2**9])],
        "but its arrays 0 numbers",
    ),
    "many": ([layer("ReLU") for _ in range(10_001)], "needs a list of 1 to 10,000 layers"),
    "negative": ([layer("Linear", in_features=-1, out_features=1)], "sizes must be at least 1"),
    "fraction": ([layer("Linear", in_features=1.5, out_features=1)], "Linear cannot be built"),
    "endless": ([layer("ELU", alpha=1e999)], "not a valid argument"),
    "text": ([layer("Linear", in_features="9", out_features=1)], "not a valid argument"),
    "object": ([layer("ReLU", forward="x")], "not a valid argument"),
    "block": ([layer("Residual", block=3)], "do not fit"),
    "builtin": ([layer("eval")], "eval is not one of np_nn's own layers"),
    "line end": ([layer("a\nb")], "not one of np_nn's own layers"),
    "module": ([layer("Module")], "Module is not one of np_nn's own layers"),
    "twice": ([layer("ReLU"), layer("ReLU")], "names do not form a tree"),
    "orphan": ([layer("ReLU") | {"name": "3.1"}], "names do not form a tree"),
    "gap": ([layer("ReLU") | {"name": "1"}], "Sequential cannot be built"),
    "deep": (nested(60)[1:], "more than 50 levels deep"),
    "no type": ([{"name": "0", "config": {}}], "has no name or no type"),
    "no arguments": ([{"name": "0", "type": "ReLU"}], "no arguments"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_description_is_refused_in_one_line(name, tmp_path):
    path, (layers, message) = tmp_path / "m.safetensors", HOSTILE[name]
    whole = [{"name": "", "type": "Sequential", "config": {}}, *layers] if layers else []
    archive.write(path, {"network": {"layers": whole, "info": None}})
    assert message in refused(path)


@pytest.mark.parametrize(
    "info",
    [
        {"classes": "abc"},
        {"classes": [1, 2, 3]},
        {"recipe": []},
        {"preparation": {"kind": "magic"}},
        {"preparation": {"kind": "image", "shape": [0, 3]}},
        {"preparation": {"kind": "image", "shape": [1, 1, 2, 2]}},
        {"preparation": {"shape": [2**13, 2**14]}},
        {"preparation": {"shape": [2, 2], "scale": float("nan")}},
        {"preparation": {"kind": "features", "shape": [4], "mean": [0.0], "std": [1.0]}},
        {"preparation": {"kind": "features", "shape": [1], "mean": [0.0], "std": [0.0]}},
        {"preparation": {"pixels": 1}},
        [],
    ],
    ids=str,
)  # fmt: skip
def test_a_hostile_info_is_refused_in_one_line(info, tmp_path):
    path = tmp_path / "m.safetensors"
    nn.save_model(small(), path)
    tree = archive.read(path)
    tree["network"]["info"] = info or "text"
    path.write_bytes(archive.pack(tree, small().state_dict()))
    refused(path)


def test_arrays_that_do_not_fit_the_layers_are_refused(tmp_path):
    path, state = tmp_path / "m.safetensors", small().state_dict()
    nn.save_model(small(), path)
    tree = archive.read(path)
    wrong = {
        "missing": {"0.weight": state["0.weight"]},
        "shape": state | {"0.weight": state["2.weight"]},
        "not finite": state | {"0.bias": np.full(5, np.inf, np.float32)},
    }
    for message, arrays in wrong.items():
        path.write_bytes(archive.pack(tree, arrays))
        assert message in refused(path)


def test_images_larger_than_the_memory_are_refused(tmp_path):
    path, rule = tmp_path / "m.safetensors", Preparation(shape=(28, 28))
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=10**6))
    with pytest.raises(nn.NpNNError, match="more than 67,108,864 numbers"):
        nn.save_model(model, path, nn.ModelInfo(preparation=rule))


def test_a_model_file_of_this_version_is_read_by_all_later_ones():
    """The file must never be regenerated: it has the format of models that users have saved."""
    model = nn.load_model(KEPT)
    images = np.arange(2 * 64, dtype=np.uint8).reshape(2, 8, 8)
    outputs = nn.predict(model, model.info.preparation.split(images))
    wanted = [[-1.164943, -1.788130, -0.652414], [-1.156554, -1.783469, -0.658982]]
    np.testing.assert_allclose(outputs, wanted, rtol=1e-4, atol=1e-5)
    assert model.info.classes == ("circle", "square", "Dreieck ∆")
    assert model.info.preparation == Preparation(
        "digit", (8, 8), deskew=True, scale=1 / 255, shift=-0.5
    )
    assert model.info.dataset == "shapes"
    assert model.info.recipe == {"model": "lenet", "channels": (2, 3), "lr": 0.1, "epochs": None}
    assert model.info.versions["np_nn"] == "0.1.0"


def test_names_of_a_later_version_are_ignored_and_its_format_is_not(tmp_path):
    path = tmp_path / "m.safetensors"
    nn.save_model(small(), path, INFO)
    tree = archive.read(path)
    tree["later"] = tree["network"]["later"] = tree["network"]["info"]["later"] = [1]
    tree["network"]["info"]["preparation"]["later"] = {"a": 1}
    tree["network"]["layers"][0]["later"] = 1
    path.write_bytes(archive.pack(tree, small().state_dict()))
    assert nn.load_model(path).info == INFO
    content = path.read_bytes().replace(b'\\"format\\": 1', b'\\"format\\": 2')
    path.write_bytes(content)
    assert "is of a later np_nn (format 2" in refused(path)
    assert "update np_nn" in refused(path)
