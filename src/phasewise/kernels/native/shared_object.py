"""Files of shared libraries (ELF, 64 bits, of this machine's byte order), looked at before they are loaded."""

import os
import struct

_HEADER, _PROGRAM = 64, 56  # bytes of the header of the file, and of one entry in its table of segments


def check_whole(path: str | os.PathLike[str]) -> None:
    """Refuse a shared library that is cut off: loading it would end the process with a bus error. Other files are let pass.

    Raises:
        OSError: the file is shorter than it says itself, or cannot be read.
    """
    size = os.stat(path).st_size
    with open(path, "rb") as file:
        header = file.read(_HEADER)
        if len(header) < _HEADER or header[:5] != b"\x7fELF\x02":
            return  # what loads it says what it is
        programs, sections = struct.unpack_from("QQ", header, 32)
        program_size, program_count, section_size, section_count = struct.unpack_from("HHHH", header, 54)
        needed = max(sections + section_size * section_count, programs + program_size * program_count)
        if needed <= size and program_size == _PROGRAM:
            file.seek(programs)
            for _ in range(program_count):
                offset, _, _, in_file = struct.unpack_from("QQQQ", file.read(_PROGRAM), 8)
                needed = max(needed, offset + in_file)
    if needed > size:
        raise OSError(f"{os.fspath(path)} is cut off: it has {size} bytes of {needed}")
