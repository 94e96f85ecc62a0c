"""Reader of folders of images: a subfolder for each class, or one folder with labels.csv."""

import os
from pathlib import Path

from np_nn.data.formats import images, table
from np_nn.data.formats.found import TRAIN, Found, Part, assign, natural, part_of
from np_nn.utils.errors import DataError, shown

LISTS = ("labels.csv", "labels.tsv")
FILES = ("file", "filename", "file_name", "image", "path", "name", "id")  # names of its column


def is_folder_of_images(folder):
    """Return whether a folder, or a part of it, holds class folders of images or labels.csv."""
    return any(_list_of(sub) or _classes(sub) for sub in _parts(folder)[0].values())


def read(folder, options):
    """Return the Found of a folder of images, in parts if it has train/ and test/.

    Raises DataError for a folder or a file that cannot be read.
    """
    parts, remarks = _parts(folder)
    entries = [
        (part, path, label)
        for part, sub in parts.items()
        for path, label in _entries(sub, options, remarks)
    ]
    if not entries:
        raise DataError(f"{folder}: no images ({', '.join(images.ENDINGS)}) in its class folders")
    paths = [path for _, path, _ in entries]
    pixels, kept, more = images.read_all(
        paths, paths, options.image_size, options.channels, skip=options.skip, quiet=options.quiet
    )
    if not kept:
        raise DataError(f"{folder}: no image could be read; {more[0]}")
    of = [entries[i] for i in kept]
    found = {}
    for part in parts:
        rows = [row for row, entry in enumerate(of) if entry[0] == part]
        if not rows:
            raise DataError(f"{parts[part]}: no images in its class folders")
        found[part] = Part(pixels[rows[0] : rows[-1] + 1], [of[row][2] for row in rows])
    return Found(found, files=tuple(parts.values()), remarks=remarks + more)


def _parts(folder):
    """Return ({part: folder}, remarks): the folder itself, or its train/ and test/.

    A subfolder called train that directly holds images is a class, such as one of vehicles.
    """
    of = {sub.name: sub for sub in subfolders(folder) if part_of(sub.name)}
    named = {name: sub for name, sub in of.items() if _has_parts_inside(sub)}
    parts, remarks = assign(named) if TRAIN in map(part_of, named) else ({}, [])
    if not parts:
        return {TRAIN: Path(folder)}, []
    flat = [f"{name} was left out: it has no class folders" for name in of if name not in named]
    return parts, flat + remarks


def _has_parts_inside(folder):
    return bool(_list_of(folder)) or not any(map(images.is_image, _names(folder)))


def _names(folder):
    try:
        return os.listdir(folder)
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror}") from error


def subfolders(folder):
    """Return the folders in a folder that are not hidden, in natural order.

    Raises DataError for a link to a folder above it, which would make the walk endless.
    """
    found = []
    for name in sorted(_names(folder), key=natural):
        path = Path(folder, name)
        if name.startswith((".", "__")) or not path.is_dir():
            continue
        if path.is_symlink() and Path(os.path.realpath(folder)).is_relative_to(path.resolve()):
            raise DataError(f"{path}: a link to a folder that contains it")
        found.append(path)
    return found


def only_folder(folder):
    """Return a folder's only entry if it is a folder without images, else None.

    Archives often unpack to nested folders.
    """
    names = [name for name in _names(folder) if not name.startswith((".", "__"))]
    inner = Path(folder, names[0]) if len(names) == 1 else None
    if inner is None or inner not in subfolders(folder):
        return None
    return None if any(map(images.is_image, _names(inner))) else inner


def _list_of(folder):
    return next((Path(folder, name) for name in LISTS if Path(folder, name).is_file()), None)


def _classes(folder):
    return [sub for sub in subfolders(folder) if next(_walk(sub), None)]


def _walk(folder):
    """Yield the paths (str) of images in and below a folder, unordered; skip links to folders."""
    for above, _, names in os.walk(folder, onerror=_refuse):
        for name in names:
            if images.is_image(name) and name[0] != ".":
                yield os.path.join(above, name)


def _refuse(error):
    raise DataError(f"cannot read {error.filename}: {error.strerror}") from error


def _entries(folder, options, remarks):
    """Yield (path, label) of the images of one part, ordered by class and name."""
    if path := _list_of(folder):
        yield from _listed(folder, path, options, remarks)
        return
    for sub in subfolders(folder):
        start = len(str(sub))
        found = sorted(_walk(sub), key=lambda path, start=start: natural(path[start:]))
        if not found:
            remarks.append(f"{shown(sub.name)} holds no images, and is not a class")
        yield from ((path, sub.name) for path in found)


def _listed(folder, path, options, remarks):
    """Yield (path, label) of a list of files, in the order of the list."""
    names, rows = table.read_text(path)
    file = next((i for i, name in enumerate(names) if name.lower() in FILES), 0)
    label = table.label_column(path, names, options.label, default=1 - min(file, 1))
    for number, row in rows:
        if len(row) <= max(file, label) or not row[file].strip() or not row[label].strip():
            raise DataError(f"{path}: line {number} has no file or no label")
        yield _located(folder, row[file].strip(), path, number), row[label].strip()
    remarks.append(f"{path.name}: files by column {names[file]}, labels by column {names[label]}")


def _located(folder, name, path, number):
    for place in (Path(folder, name), Path(folder, "images", name)):
        if place.exists():
            return str(place)
    raise DataError(f"{path}: line {number} names {shown(name)}, which is not in {folder}")
