"""What lies at a path, decided by its content and never by its name."""

import enum
import os

from phasewise.files.missing import check_is_file
from phasewise.files.names import CONFIG

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"


class Kind(enum.Enum):
    """What `load_model` may be given."""

    ARCHIVE = "a .keras file"
    FOLDER = "a folder with a saved model"
    HDF5 = "an HDF5 file"
    SAFETENSORS = "a file of weights alone (safetensors)"
    JSON = "a JSON text"
    OTHER = "no model"


def kind_of(path: str) -> Kind:
    """The kind of what lies at `path`.

    Raises:
        FileNotFoundError: nothing does; the message names what is there under a similar name.
        OSError: it cannot be read.
    """
    if os.path.isdir(path):
        return Kind.FOLDER if os.path.isfile(os.path.join(path, CONFIG)) else Kind.OTHER
    check_is_file(path, "there is no model to load")
    with open(path, "rb") as file:
        begin = file.read(16)
    if begin.startswith(_ZIP):
        return Kind.ARCHIVE
    if begin.startswith(_HDF5):
        return Kind.HDF5
    if begin[8:9] == b"{" and 0 < int.from_bytes(begin[:8], "little") <= os.path.getsize(path):
        return Kind.SAFETENSORS
    return Kind.JSON if begin.lstrip().startswith(b"{") else Kind.OTHER
