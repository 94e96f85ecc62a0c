"""The user's own files and arrays become the same Dataset in every format."""

import gzip
import struct
import zipfile
from dataclasses import replace

import numpy as np
import pytest

import np_nn as nn
from np_nn.data.fingerprint import fingerprint
from np_nn.data.formats import order
from tests.support import own_data
from tests.support.own_data import put

pytestmark = pytest.mark.kernel_independent
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 6, 6), dtype=np.uint8)
LABELS = np.random.default_rng(1).permutation(np.arange(60) % 11 % 4)
PARTS = {"train": (IMAGES[:45], LABELS[:45]), "test": (IMAGES[45:], LABELS[45:])}


def prints(dataset):
    return fingerprint(dataset.train), fingerprint(dataset.test)


# ---- one data set, many formats ----------------------------------------------------------------


@pytest.mark.parametrize("name", own_data.FORMATS)
@pytest.mark.parametrize("parts", ["train and test", "train"])
def test_every_format_gives_the_same_samples_in_the_same_order(name, parts, tmp_path):
    if name == "parquet":
        pytest.importorskip("pyarrow")
    given = PARTS if parts == "train and test" else {"train": PARTS["train"]}
    path = own_data.FORMATS[name](tmp_path / "set", given)
    found = nn.load(path, quiet=True)
    expected = nn.from_arrays(*given["train"], given.get("test"))
    assert prints(found) == prints(expected)
    assert (found.classes, found.root) == (("0", "1", "2", "3"), None)
    assert (found.preparation.kind, found.preparation.shape) == ("image", (6, 6))
    assert found.name == path.name
    assert any("no test set" in remark for remark in found.remarks) == (parts == "train")


def test_rows_in_another_order_between_classes_give_the_same_order():
    mixed = np.argsort(LABELS, kind="stable")
    assert prints(nn.from_arrays(IMAGES[mixed], LABELS[mixed])) == prints(
        nn.from_arrays(IMAGES, LABELS)
    )
    assert prints(nn.from_arrays(IMAGES, LABELS, seed=1)) != prints(nn.from_arrays(IMAGES, LABELS))


def test_every_stretch_of_the_order_has_the_shares_of_the_classes():
    labels = np.repeat([0, 1, 2], [500, 300, 200])
    found = labels[order.stratified(labels)]
    assert np.bincount(found[-100:]).tolist() == [50, 30, 20]
    train, test = order.split(labels)
    assert np.bincount(labels[test]).tolist() == [100, 60, 40]
    assert sorted([*train, *test]) == list(range(1000))
    assert len(order.split(np.array([0, 1, 1]))[1]) == 1  # none of a class with one sample


def test_a_known_name_wins_over_a_folder_and_a_path_does_not(tmp_path, monkeypatch):
    own_data.folder(tmp_path / "digits", PARTS)
    monkeypatch.chdir(tmp_path)
    assert nn.load("digits").train.images.shape == (1500, 28, 28)
    own = nn.load("./digits")
    assert (own.train.images.shape, own.title) == ((45, 6, 6), str(tmp_path / "digits"))
    with pytest.raises(nn.DataError, match="image_size"):
        nn.load("digits", image_size=8)


# ---- folders of images -------------------------------------------------------------------------


def two_classes(root, shape=(6, 7), count=5):
    for label in "ab":
        for i in range(count):
            put(root / label / f"{i}.png", own_data.encoded(np.full(shape, i, np.uint8)))
    return root


def test_classes_and_files_are_in_natural_order(tmp_path):
    for label in ("10", "9", "2"):
        for i in (10, 9):
            put(tmp_path / label / f"x{i}.png", own_data.encoded(np.full((2, 2), i, np.uint8)))
    found = nn.load(tmp_path)
    assert found.classes == ("2", "9", "10")
    ordered = nn.from_arrays(np.tile(np.array([9, 10], np.uint8), 3).repeat(4).reshape(6, 2, 2),
                             [2, 2, 9, 9, 10, 10])  # fmt: skip
    assert prints(found) == prints(ordered)
    put(tmp_path / "big" / "1.png", own_data.encoded(np.zeros((2, 2), np.uint8)))
    assert nn.load(tmp_path).classes == ("10", "2", "9", "big")


def test_folders_within_folders_validation_parts_and_a_class_called_train(tmp_path):
    inner = tmp_path / "archive" / "animals"
    two_classes(inner / "train")
    assert len(nn.load(tmp_path).train) == 8
    two_classes(inner / "val", count=2)
    found = nn.load(tmp_path)
    assert (len(found.train), len(found.test)) == (10, 4)
    assert "val is the test set" in found.remarks
    two_classes(inner / "Testing", count=3)
    found = nn.load(tmp_path)
    assert (len(found.test), "val was left out" in found.remarks[0]) == (6, True)
    vehicles = two_classes(tmp_path / "vehicles")
    (vehicles / "a").rename(vehicles / "train")
    assert nn.load(vehicles).classes == ("b", "train")


def test_a_list_of_labels(tmp_path):
    for i in range(4):
        put(tmp_path / "images" / f"{i}.png", own_data.encoded(np.full((2, 2), i, np.uint8)))
    put(tmp_path / "labels.csv", "id,animal\n3.png,cat\n2.png,dog\n1.png,cat\n0.png,dog\n")
    found = nn.load(tmp_path, label="animal")
    assert prints(found) == prints(
        nn.from_arrays(np.array([3, 2, 1, 0], np.uint8).repeat(4).reshape(4, 2, 2), list("cdcd"))
    )
    put(tmp_path / "labels.csv", "id,animal\n7.png,cat\n")
    with pytest.raises(nn.DataError, match=r"labels.csv: line 2 names 7.png, which is not in"):
        nn.load(tmp_path)


def test_a_test_folder_without_class_folders_is_said_to_be_left_out(tmp_path):
    two_classes(tmp_path / "train")
    put(tmp_path / "test" / "1.png", own_data.encoded(np.zeros((6, 7), np.uint8)))
    found = nn.load(tmp_path)
    assert (len(found.train), len(found.test)) == (8, 2)
    assert found.remarks[0] == "test was left out: it has no class folders"


# ---- tables ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "classes", "label"),
    [
        ("a,b,label\n1,2.5,x\n3,4,y\n1,2,x\n3,4,y\n", ("x", "y"), "label"),
        ("5.1,3.5,iris\n4.9,3,rose\n5,3,iris\n5,3,rose\n", ("iris", "rose"), "3"),
        ('"x";"la;b";"target"\n"1";2;"a b"\n1;2;"a b"\n2;2;c\n2;2;c\n', ("a b", "c"), "target"),
        ("\ufeffy\tx\r\n1.0\t1\r\n2.0\t3\r\n1.0\t2\r\n2.0\t3\r\n", ("1", "2"), "y"),
        ("0,7.5\n1,7\n0,7\n1,7\n", ("0", "1"), "1"),
        (",a,label\n0,2,x\n1,4,y\n2,4,x\n3,3,y\n", ("x", "y"), "label"),
    ],
)
def test_tables_in_their_dialects(text, classes, label, tmp_path):
    found = nn.load(put(tmp_path / "t.csv", text))
    assert found.classes == classes
    assert f"labels are in the column {label}" in found.remarks
    assert (len(found.train), len(found.test)) == (2, 2)
    assert found.preparation.kind == "features"


def test_features_are_standardized_with_the_training_set(tmp_path):
    rows = np.random.default_rng(0).normal(5, 3, (40, 2))
    text = "\n".join(f"{a!r},7,{b!r},{i % 2}" for i, (a, b) in enumerate(rows.tolist()))
    put(tmp_path / "train.csv", f"p,q,r,class\n{text}")
    put(tmp_path / "test.csv", "class,r,q,p\n0,1,7,2\n1,1,7,2\n")  # columns in another order
    found = nn.load(tmp_path)
    train = found.train.images
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(axis=0), [1, 0, 1], atol=1e-6)
    assert train.dtype == np.float32
    assert found.train.scale == 1.0
    preparation = found.preparation
    assert preparation.columns == ("p", "q", "r")
    np.testing.assert_allclose(
        found.test.images[0], (np.array([2, 7, 1]) - preparation.mean) / preparation.std, rtol=1e-6
    )
    assert found.remarks[-1].endswith("standard deviation: 3; constant: 1")
    own = replace(preparation, mean=(0, 0, 0), std=(1, 1, 1))  # a model's
    assert nn.load(tmp_path, preparation=own).test.images[0].tolist() == [2, 7, 1]


def test_columns_without_a_usable_deviation(tmp_path):
    x = np.column_stack([np.full(20, 0.1), np.arange(20.0)])  # 0.1 has a std of 1e-17 by rounding
    found = nn.from_arrays(x, np.arange(20) % 2, (x + 1, np.arange(20) % 2))
    assert found.preparation.std[0] == 1
    np.testing.assert_allclose(found.test.images[:, 0], 1, rtol=1e-6)
    with pytest.raises(nn.DataError, match=r"sample 4, column \[1\] is not a finite number"):
        nn.from_arrays(x * [1, 1e38], np.arange(20) % 2)  # float32 ends at 3.4e38


def test_a_column_that_was_named_is_known_to_the_model(tmp_path):
    rows = "\n".join(f"{i}.5,{i % 2},{i % 3}" for i in range(12))
    path = put(tmp_path / "t.csv", f"a,label,kind\n{rows}")
    found = nn.load(path, label="kind")
    assert (found.preparation.label, found.preparation.columns) == ("kind", ("a", "label"))
    assert prints(nn.load(path, preparation=found.preparation)) == prints(found)
    assert nn.load(path).preparation.label == ""
    with pytest.raises(nn.DataError, match="no column 'kinds'; did you mean 'kind'"):
        nn.load(path, label="kinds")


def test_kaggles_test_file_without_labels_is_said_to_be_none(tmp_path):
    images, labels = np.tile(IMAGES[:, :4, :4], 1), LABELS
    own_data.table(tmp_path / "train.csv", images, labels)
    put(tmp_path / "test.csv", ",".join(f"pixel{i}" for i in range(16)) + "\n" + "1," * 15 + "1\n")
    found = nn.load(tmp_path)
    assert prints(found) == prints(nn.from_arrays(images, labels))
    assert "test.csv has no column label: no test set" in found.remarks
    assert "16 columns of whole numbers 0..255 are images of 4x4" in found.remarks
    with pytest.raises(nn.DataError, match="without a column of labels"):
        nn.load(tmp_path / "test.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,label\n1,2,x\n1,,x\n", "line 3, column b: the cell is empty"),
        ("a,b,label\n1,nan,x\n3,4,y\n", "line 2, column b: 'nan' is not a finite number"),
        ("a,b,label\n1,abc,x\n3,4,y\n", "line 2, column b: 'abc' is not a finite number"),
        ("a,b,label\n1,2\n3,4,y\n", "line 2, 2 cells instead of 3"),
        ("a,b,label\n1,2,\n3,4,y\n", "line 2, column label: the cell is empty"),
        ("a,b,label\n", "without a row"),
        ("", "empty file"),
        ("a\n1\n", "one column"),
        ("a,a,label\n1,2,x\n", "two columns are called 'a'"),
        ("a,b,label\n1,2,x\n2,3,x\n", "one class, x"),
        ("price,b\n1.5,2\n2.5,3\n3.5,3\n", "a label is 1.5"),
        ("id,b,kind\n1,2,x\n2,4,y\n", "labels are in column id; --label"),
        ("a,b,label\n1_0,2,x\n3,4,y\n", "line 2, column a: '1_0' is not a finite number"),
        ("a,b,label,\n1,2,x,\n3,4,y,\n", "line 2, column 4: the cell is empty"),
        (b"\xff\xfe\x00", "not text in UTF-8"),
        ("id,b\n" + "\n".join(f"{i},2" for i in range(9)), "9 different labels in 9 samples"),
    ],
)
def test_a_table_that_cannot_be_read_names_the_place(text, message, tmp_path):
    path = put(tmp_path / "t.csv", text)
    with pytest.raises(nn.DataError) as caught:
        nn.load(path)
    assert message in str(caught.value)
    assert "t.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_index_beyond_small_integers_leaves_pixels_pixels(tmp_path):
    text = "".join(f"{i * 20_000},{i % 2}{',7' * 15},{i}\n" for i in range(10))
    names = ",".join(["", "label", *(f"p{i}" for i in range(16))])
    found = nn.load(put(tmp_path / "t.csv", f"{names}\n{text}"))
    assert (found.preparation.kind, found.preparation.shape) == ("image", (4, 4))
    assert "the first column has no name, and is left out" in found.remarks[1]


def test_a_table_of_emnist_is_put_right(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
    rows = "\n".join(
        ",".join(map(str, [i % 3, *image.T.reshape(-1)])) for i, image in enumerate(images)
    )
    found = nn.load(put(tmp_path / "emnist-letters-train.csv", rows))
    assert prints(found) == prints(nn.from_arrays(images, np.arange(12) % 3))
    assert "transposed" in found.remarks[1]


def test_rows_that_cannot_be_read_are_skipped_and_counted(tmp_path):
    text = "a,b,label\n1,2,x\n,4,y\n3,4,x\n3,4,y\n1,q,x\n1,0,y\n"
    found = nn.load(put(tmp_path / "t.csv", text), skip_unreadable=True)
    assert len(found.train) + len(found.test) == 4
    assert "2 rows skipped: line 3, column a: the cell is empty; line 6" in found.remarks[1]


# ---- arrays ------------------------------------------------------------------------------------


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    "names", ["X y", "images labels", "arr_0 arr_1", "train_data train_targets"]
)
def test_the_usual_names_of_arrays(names, tmp_path):
    x, y = names.split()
    found = nn.load(save(tmp_path / "a.npz", **{x: IMAGES, y: LABELS[:, None]}))
    assert prints(found) == prints(nn.from_arrays(IMAGES, LABELS))


def test_kinds_of_samples_follow_from_the_type_of_all_parts():
    def kind(x, **more):
        return nn.from_arrays(x, LABELS, **more)

    pixels = prints(kind(IMAGES))
    flat, first, last = IMAGES.reshape(60, 36), IMAGES[:, None], IMAGES[..., None]
    for same in (IMAGES.astype(np.int64), flat, first, last, IMAGES.tolist()):
        assert prints(kind(same)) == pixels
    floats = kind(IMAGES.astype(np.float64))
    assert (floats.preparation.kind, floats.train.scale) == ("array", 1.0)
    assert kind(IMAGES.reshape(60, 36).astype(float)).preparation.kind == "features"
    colour = kind(np.stack([IMAGES] * 3, axis=-1))
    assert prints(colour) == prints(kind(np.stack([IMAGES] * 3, axis=1)))
    assert colour.preparation.shape == (3, 6, 6)
    small = IMAGES.astype(np.int64)
    beyond = kind(small, test=(small + 1000, LABELS))  # the training part alone would be pixels
    assert (beyond.train.images.dtype, beyond.preparation.pixels) == (np.float32, False)


def test_a_class_name_that_no_file_could_hold_is_refused():
    with pytest.raises(nn.DataError, match=r"the class 'a\\udcff' has no name in UTF-8"):
        nn.from_arrays(np.eye(4), ["a\udcff", "b"] * 2)


def test_images_may_have_many_classes_of_few_samples():
    found = nn.from_arrays(np.zeros((300, 5, 5), np.uint8), np.arange(300) % 160)
    assert (len(found.classes), len(found.test)) == (160, 140)
    with pytest.raises(nn.DataError, match="160 different labels in 300 samples are not classes"):
        nn.from_arrays(np.zeros((300, 5)), np.arange(300) % 160)
    with pytest.raises(nn.DataError, match="no class has two samples"):
        nn.from_arrays(np.zeros((3, 5, 5), np.uint8), [0, 1, 2])


def test_class_names_of_any_labels():
    pandas = pytest.importorskip("pandas")
    x = [[1.0], [2.0], [3.0], [4.0]]
    assert nn.from_arrays(x, ["b", "a", "b", "a"]).classes == ("a", "b")
    assert nn.from_arrays(x, [10, 9, 10, 9]).classes == ("9", "10")
    assert nn.from_arrays(x, ["10", "9", "10", "9"]).classes == ("9", "10")
    assert nn.from_arrays(x, [0, 1, 0, 1], classes=["no", "yes"]).classes == ("no", "yes")
    assert nn.from_arrays(x, np.eye(2)[[0, 1, 0, 1]]).classes == ("0", "1")
    assert nn.from_arrays(x, [True, False] * 2).classes == ("0", "1")
    kinds = pandas.Series(pandas.Categorical(list("hlhl"), categories=list("lh"), ordered=True))
    found = nn.from_arrays(
        pandas.DataFrame({"size": [1, 2, 3, 4], "old": [True, False] * 2}), kinds
    )
    assert (found.classes, found.preparation.columns) == (("l", "h"), ("size", "old"))
    for wrong in (
        [1, None, 1, 2],
        ["a", float("nan"), "a", "b"],
        [0.5, 1, 1, 0.5],
        [1, 1, 1, 1],
        [1],
        None,
        pandas.Series(["a", pandas.NA, "a", "b"], dtype="string"),
        np.array([np.str_("a"), pandas.NaT, "a", "b"], object),
    ):
        with pytest.raises(nn.DataError, match=r"^arrays"):
            nn.from_arrays(x, wrong)
    with pytest.raises(nn.DataError, match="column text holds"):
        nn.from_arrays(pandas.DataFrame({"text": list("abcd")}), kinds)
    with pytest.raises(nn.NpNNError, match="load: name must be a text or a path, got a list"):
        nn.load(x)


def test_array_files_are_not_believed(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 9), }\n"
    put(tmp_path / "x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"12")
    np.save(tmp_path / "y.npy", LABELS)
    for path, message in {
        tmp_path: "more than 4,294,967,296 bytes",
        save(tmp_path / "objects.npz", x=IMAGES, y=np.array([None] * 60)): "may run code",
        save(tmp_path / "few.npz", x=IMAGES, y=LABELS[:5]): "60 samples, but 5 labels",
        save(tmp_path / "odd.npz", weights=IMAGES): "arrays called x_train",
        save(tmp_path / "nan.npz", x=np.full((60, 2), np.nan), y=LABELS): "not a finite number",
        put(tmp_path / "damaged.npz", b"PK\x03\x04"): "not a zip that can be read",
    }.items():
        with pytest.raises(nn.DataError, match=message) as caught:
            nn.load(path)
        assert "\n" not in str(caught.value)


# ---- IDX and Parquet ---------------------------------------------------------------------------


def emnist(kinds=("letters", "digits")):
    """Return {name: bytes} of EMNIST's files: images transposed, labels from 1."""
    files = {}
    for kind in kinds:
        for part, (images, labels) in PARTS.items():
            before = f"gzip/emnist-{kind}-{part}"
            files[f"{before}-images-idx3-ubyte.gz"] = own_data.idx(images.transpose(0, 2, 1))
            files[f"{before}-labels-idx1-ubyte.gz"] = own_data.idx(labels + 1)
        files[f"gzip/emnist-{kind}-mapping.txt"] = b"1 65 97\n2 66 98\n3 67 99\n4 68 100\n"
    return {n: gzip.compress(body) if n.endswith("gz") else body for n, body in files.items()}


def test_emnist_is_put_right_and_has_letters(tmp_path):
    with zipfile.ZipFile(tmp_path / "gzip.zip", "w") as archive:
        for name, content in emnist().items():
            archive.writestr(name, content)
            put(tmp_path / "files" / name, content)
    one = tmp_path / "files" / "gzip" / "emnist-letters-test-labels-idx1-ubyte.gz"
    expected = prints(nn.from_arrays(*PARTS["train"], PARTS["test"]))
    for found in (nn.load(tmp_path / "gzip.zip", label="emnist-letters"), nn.load(one)):
        assert prints(found) == expected
        assert found.classes == ("A", "B", "C", "D")
        assert "transposed" in found.remarks[0]
    for several in ("gzip.zip", "files"):
        with pytest.raises(nn.DataError, match="--label emnist-digits"):
            nn.load(tmp_path / several)


def test_qmnists_labels_and_lonely_or_damaged_files(tmp_path):
    put(tmp_path / "qmnist-train-images-idx3-ubyte", own_data.idx(IMAGES))
    labels = np.stack([LABELS, LABELS + 9], axis=1).astype(">i4")
    head = bytes([0, 0, 12, 2]) + struct.pack(">2I", *labels.shape)
    path = put(tmp_path / "qmnist-train-labels-idx2-int", head + labels.tobytes())
    assert prints(nn.load(tmp_path)) == prints(nn.from_arrays(IMAGES, LABELS))
    for content, message in {
        head + labels.tobytes()[:-1]: "expected 492 bytes, found 491",
        own_data.idx(LABELS)[:-3]: "truncated",
        b"\0\0\x08\x01\xff\xff\xff\xff": "more than 2,147,483,648 bytes",
        b"nothing": "expected IDX",
    }.items():
        put(path, content)
        with pytest.raises(nn.DataError, match=message):
            nn.load(tmp_path)
    path.unlink()
    with pytest.raises(nn.DataError, match="no file with its labels beside it"):
        nn.load(tmp_path / "qmnist-train-images-idx3-ubyte")


def test_parquet_names_classes_and_needs_its_package(tmp_path, monkeypatch):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = own_data.parquet(tmp_path / "set", PARTS, names=["cat", "ant", "bee", "dog"])
    assert nn.load(path).classes == ("cat", "ant", "bee", "dog")
    rows = {"kind": ["a", "b"] * 10, "p": np.arange(20.0), "q": np.arange(20)}
    parquet.write_table(pyarrow.table(rows), tmp_path / "table.parquet")
    found = nn.load(tmp_path / "table.parquet")
    assert (found.preparation.kind, found.preparation.columns) == ("features", ("p", "q"))
    (tmp_path / "set" / "data").rename(tmp_path / "parts")
    for part in PARTS:
        put(tmp_path / "parts" / part / "0000.parquet", b"").unlink()
        name = f"{part}-00000-of-00001.parquet"
        (tmp_path / "parts" / name).rename(tmp_path / "parts" / part / "0000.parquet")
    path = tmp_path / "parts"
    assert (len(nn.load(path).train), len(nn.load(path).test)) == (45, 15)
    with pytest.raises(nn.DataError, match="not a Parquet file that can be read"):
        nn.load(put(tmp_path / "bad.parquet", b"PAR1"))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(nn.NpNNError, match="pip install pyarrow"):
        nn.load(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "no data set in this folder"),
        ("flat", "images without labels"),
        ("flat/1.png", "one image is not a data set"),
        ("odd.xyz", "not a data set that np_nn reads"),
        ("some.zip", "no IDX files"),
        ("nowhere", "there is no such file or folder"),
    ],
)
def test_what_is_no_data_set_is_said(name, message, tmp_path):
    (tmp_path / "empty").mkdir()
    put(tmp_path / "flat" / "1.png", own_data.encoded(IMAGES[0]))
    put(tmp_path / "odd.xyz", "a")
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("train.csv", "a")
    with pytest.raises(nn.NpNNError, match=message) as caught:
        nn.load(tmp_path / name)
    assert name in str(caught.value)
