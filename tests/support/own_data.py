"""A small data set of images, written in each format that np_nn reads."""

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image


def idx(array):
    """Return the bytes of an IDX file of bytes."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def encoded(pixels, form="PNG"):
    """Return the bytes of an image file. pixels: an array, or a Pillow image."""
    stream = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(stream, form)
    return stream.getvalue()


def put(path, content):
    """Write text or bytes to a file whose folder may be missing; return its path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def folder(root, parts):
    """Write parts, {"train": (images, labels), ...}, as PNGs 0.png, 1.png, ...; return root."""
    for part, (images, labels) in parts.items():
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            put(Path(root, part, str(label), f"{i}.png"), encoded(image))
    return Path(root)


def table(path, images, labels):
    """Write images and labels as a CSV in Kaggle's format; return its path."""
    names = ["label", *(f"pixel{i}" for i in range(images[0].size))]
    rows = [[label, *image.reshape(-1)] for image, label in zip(images, labels, strict=True)]
    return put(path, "\n".join(",".join(map(str, row)) for row in [names, *rows]))


def tables(root, parts):
    for part, pair in parts.items():
        table(Path(root, f"mnist_{part}.csv"), *pair)
    return Path(root)


def idx_folder(root, parts):
    for part, pair in parts.items():
        before = {"train": "train", "test": "t10k"}[part]
        put(Path(root, f"{before}-images.idx3-ubyte"), idx(pair[0]))
        put(Path(root, f"{before}-labels-idx1-ubyte.gz"), gzip.compress(idx(pair[1])))
    return Path(root)


def idx_zip(root, parts):
    path = put(Path(root, "archive.zip"), b"")
    with zipfile.ZipFile(path, "w") as archive:
        for part, pair in parts.items():
            for role, array in zip(("images", "labels"), pair, strict=True):
                name = f"{part}-{role}-idx{array.ndim}-ubyte"
                archive.writestr(f"{name}/{name}", idx(array))  # as on Kaggle
    return path


def npz(root, parts):
    path = put(Path(root, "mnist.npz"), b"")
    arrays = {
        f"{r}_{part}": a for part, pair in parts.items() for r, a in zip("xy", pair, strict=True)
    }
    np.savez(path, **arrays)
    return path


def npy(root, parts):
    put(Path(root, "x"), b"").unlink()
    for part, pair in parts.items():
        for role, array in zip("Xy", pair, strict=True):
            np.save(Path(root, f"{role}_{part}.npy"), array)
    return Path(root)


def parquet(root, parts, names=tuple("0123456789")):
    """Write Hugging Face's format: encoded images, labels with their names in the metadata."""
    import pyarrow as pa
    from pyarrow import parquet

    about = {"label": {"names": list(names), "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    about = {"huggingface": json.dumps({"info": {"features": about}})}
    for part, (images, labels) in parts.items():
        path = put(Path(root, "data", f"{part}-00000-of-00001.parquet"), b"")
        files = [{"bytes": encoded(image), "path": None} for image in images]
        found = pa.table({"image": files, "label": pa.array(labels)})
        parquet.write_table(found.replace_schema_metadata(about), path)
    return Path(root)


FORMATS = {
    "idx": idx_folder, "zip": idx_zip, "folder": folder, "csv": tables, "npz": npz, "npy": npy,
    "parquet": parquet,
}  # fmt: skip
