"""Reader of a path, whose format is determined by the file's name or the folder's content."""

from pathlib import Path

from np_nn.data.formats import arrays, folders, idx_files, images, parquet, table
from np_nn.data.formats.content import members
from np_nn.data.formats.found import natural
from np_nn.utils.errors import DataError

MOST_DEPTH = 4  # maximum nested folders that hold nothing but one folder
WANTED = (
    "a folder with a subfolder of images per class, or with labels.csv; CSV, .npz, .npy, IDX "
    "or Parquet, as a file or in a folder"
)


def read(path, options):
    """Return the Found of a file or a folder. Raises DataError unless it is a data set."""
    path = Path(path)
    return _folder(path, options) if path.is_dir() else _file(path, options)


def _file(path, options):
    name = path.name.lower()
    if table.is_table(name):
        return table.read([path], options)
    if name.endswith(".npz"):
        return arrays.read_npz(path, options)
    if arrays.is_array(name):
        return arrays.read_npy(arrays.candidates(_files(path.parent)) or [path], options)
    if name.endswith((".parquet", ".pq")):
        return parquet.read([path], options)
    if name.endswith(".zip"):
        return _zip(path, options)
    if idx_files.is_idx(path):
        return idx_files.read_files(_files(path.parent), options, given=path)
    if images.is_image(name):
        raise DataError(
            f"{path}: one image is not a data set; give a folder with a subfolder per class"
        )
    raise DataError(f"{path}: not a data set that np_nn reads; it reads {WANTED}")


def _zip(path, options):
    archive, infos = members(path)
    archive.close()
    if idx_files.pairs(infos):
        return idx_files.read_zip(path, options)
    raise DataError(
        f"{path}: no IDX files of images and labels in it; unpack it, and give the folder"
    )


def _folder(folder, options, depth=0):
    if depth < MOST_DEPTH and (inner := folders.only_folder(folder)):
        return _folder(inner, options, depth + 1)
    if folders.is_folder_of_images(folder):
        return folders.read(folder, options)
    files = _files(folder)
    subs = folders.subfolders(folder)
    below = [path for sub in subs for path in _files(sub)]
    if idx_files.pairs([*files, *below]):
        return idx_files.read_files([*files, *below], options)
    if found := [p for p in [*files, *below] if p.name.lower().endswith((".parquet", ".pq"))]:
        return parquet.read(found, options)
    if found := arrays.candidates(files):
        return arrays.read_npy(found, options)
    packed = [path for path in files if path.name.lower().endswith(".npz")]
    if len(packed) == 1:
        return arrays.read_npz(packed[0], options)
    if found := table.candidates(files):
        return table.read(found, options)
    if any(map(images.is_image, files)):
        raise DataError(
            f"{folder}: images without labels: put them into a folder for each class, or add "
            "labels.csv with the columns file and label"
        )
    raise DataError(f"{folder}: no data set in this folder; np_nn reads {WANTED}")


def _files(folder):
    try:
        found = [path for path in folder.iterdir() if path.is_file() and path.name[0] != "."]
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror}") from error
    return sorted(found, key=lambda path: natural(path.name))
