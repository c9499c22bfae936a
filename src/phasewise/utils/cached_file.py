"""`get_file`: a file that lies in the cache folder, or elsewhere on this machine. Nothing is downloaded."""

import hashlib
import os
import shutil
import tarfile
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Sequence

from phasewise.core.registry import one_of
from phasewise.files.atomic_file import written_by_name
from phasewise.files.atomic_folder import folder_written_whole

_READERS = {"tar": (tarfile.is_tarfile, tarfile.open), "zip": (zipfile.is_zipfile, zipfile.ZipFile)}


def keras_home() -> str:
    """The folder of Keras's: what the environment variable KERAS_HOME says, else `~/.keras`."""
    return os.path.expanduser(os.environ.get("KERAS_HOME") or os.path.join("~", ".keras"))


def get_file(
    fname: str | os.PathLike | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike | None = None,
    force_download: bool = False,
) -> str:
    """The path of a file in the cache folder; there it comes from elsewhere on this machine, if need be.

    Where Keras would download it, phasewise, which opens no connections, says what to fetch and where to put it.

    Args:
        fname: its name in the cache folder; by default the last part of `origin`.
        origin: where it comes from: a `file://` address is copied from.
        untar, extract: whether it is an archive to be unpacked; then the path is that of the folder.
        md5_hash: deprecated in favour of `file_hash`.
        file_hash: hexadecimal digits; a file that has others is refused.
        cache_subdir: folder in the cache folder.
        hash_algorithm: "md5", "sha256", or "auto", which goes by the number of digits.
        archive_format: "tar", "zip", several of them, "auto" (both) or None (no archive is known).
        cache_dir: the cache folder; by default what KERAS_HOME says, else `~/.keras`.
        force_download: whether it is copied even where the cache folder has it.

    Raises:
        FileNotFoundError: it lies nowhere on this machine.
        ValueError: no `origin`; a hash that differs; a name with folders; what is to be unpacked is no archive that is known.
    """
    if origin is None:
        raise ValueError("get_file needs `origin`: where the file comes from.")
    one_of("get_file", "hash_algorithm", hash_algorithm, ("auto", "md5", "sha256"))
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    folder = os.path.join(os.path.expanduser(os.fspath(cache_dir)) if cache_dir else keras_home(), cache_subdir)
    target, unpacked = _places(folder, _name(fname, origin), bool(fname), extract or untar)
    if not os.path.exists(target) or force_download:
        _fetch(origin, target, file_hash, hash_algorithm)
    _check(target, file_hash, hash_algorithm)
    if unpacked is None:
        return target
    if not os.path.isdir(unpacked) or force_download:
        _unpack(target, unpacked, "tar" if untar and archive_format == "auto" else archive_format)
    return unpacked


def _name(fname, origin):
    name = os.fspath(fname) if fname else os.path.basename(urllib.parse.urlsplit(origin).path)
    if not name:
        raise ValueError(f"The origin {origin!r} ends in no file's name; give `fname`.")
    if name != os.path.basename(name):
        raise ValueError(f"fname is the name of a file alone; got {name!r}. Its folder is that of cache_dir.")
    return name


def _places(folder, name, is_given, is_archive):
    """Where the file lies, and the folder that it is unpacked to, as Keras has them."""
    path = os.path.join(folder, name)
    if not is_archive:
        return path, None
    if is_given and "." in name:
        return path, os.path.join(folder, f"{name.partition('.')[0]}_extracted")
    return f"{path}_archive", path


def _fetch(origin, target, file_hash, algorithm):
    address = urllib.parse.urlsplit(origin)
    if address.scheme != "file":
        digits = f" Its {_algorithm(file_hash, algorithm)} is {file_hash}." if file_hash else ""
        raise FileNotFoundError(
            f"There is no file {target}, and phasewise opens no connections. Fetch {origin} by another way and put it there.{digits}"
        )
    source = urllib.request.url2pathname(address.path)
    if not os.path.isfile(source):
        raise FileNotFoundError(f"The origin {origin} is no file.")
    _check(source, file_hash, algorithm)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with written_by_name(target) as aside:
        shutil.copy(source, aside)


def _check(path, file_hash, algorithm):
    if file_hash is None:
        return
    name = _algorithm(file_hash, algorithm)
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, name).hexdigest()
    if found != file_hash.lower():
        raise ValueError(
            f"The file {path} is not the one that is wanted: its {name} is {found}, and {file_hash} was expected. Remove it, or put the "
            "right one in its place."
        )


def _algorithm(file_hash, algorithm):
    return algorithm if algorithm != "auto" else "sha256" if len(file_hash) == 64 else "md5"


def _unpack(path, folder, formats):
    """Unpack an archive beside its folder, and rename: a folder that is there is whole."""
    wanted = ("tar", "zip") if formats == "auto" else (formats,) if isinstance(formats, str) else tuple(formats or ())
    for each in wanted:
        is_one, reader = _READERS[one_of("get_file", "archive_format", each, tuple(_READERS))]
        if is_one(path):
            break
    else:
        raise ValueError(
            f"{path} is no archive of the kind {' or '.join(wanted) or '(none)'}, so it cannot be unpacked."
        )
    with folder_written_whole(folder) as aside, reader(path) as archive:
        os.makedirs(aside)
        # Nothing of a tar file comes to lie outside of the folder, or is a device; a zip file has no way to say such.
        archive.extractall(aside, **({"filter": "data"} if each == "tar" else {}))
