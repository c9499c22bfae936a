"""What an HDF5 file may hold for us: arrays of numbers that lie in it, in groups that form a tree."""

from typing import Any

from phasewise.files.file_error import FileError

MOST_OBJECTS = 1_000_000
DEEPEST = 100
MOST_EXPANSION = 1100
"""How many times the bytes that are stored of an array it may have: deflate, which writes a run of zeros shortest, makes it 1032."""
FREE_BYTES = 64 << 20
_FILTERS = {1, 2, 3, 32000}  # deflate, shuffle, checksum, lzf: those that need no plug-in


def check(file: Any, path: str) -> None:
    """Look at everything that an open `h5py.File` says it holds, before any of it is read.

    Raises:
        FileError: links to elsewhere, arrays kept elsewhere, groups in a circle, too many or too deep; arrays of objects or references,
            of filters that would be loaded from outside, or of which much less is stored than their shapes say.
    """
    _Check(path).look_at(file)


class _Check:
    def __init__(self, path):
        self.path, self.seen, self.count = path, set(), 0

    def look_at(self, file):
        import h5py

        pending = [(file, "", 0)]
        while pending:
            group, name, depth = pending.pop()
            if depth > DEEPEST:
                self.refuse(name, f"lies more than {DEEPEST} groups deep")
            for key in group:
                inner = f"{name}/{key}"
                item = self.item(group, key, inner)
                if isinstance(item, h5py.Group):
                    pending.append((item, inner, depth + 1))

    def item(self, group, key, name):
        import h5py

        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            self.refuse_outside(name)
        item = group[key]
        self.meet(item, name)
        if isinstance(item, h5py.Dataset):
            self.array(item, name)
        elif not isinstance(item, h5py.Group):
            self.refuse(name, "is neither a group nor an array")
        return item

    def refuse(self, name, complaint):
        raise FileError(f"{self.path!r} has an item {name!r} that {complaint}. It is not opened.")

    def refuse_outside(self, name):
        raise FileError(
            f"{self.path!r} keeps {name!r} outside of itself, by a link or in another file: it is not read."
        )

    def meet(self, item, name):
        import h5py

        address = h5py.h5o.get_info(item.id).addr
        if address in self.seen:
            self.refuse(name, "is in it under another name too, so that groups could run in a circle")
        self.seen.add(address)
        self.count += 1
        if self.count > MOST_OBJECTS:
            raise FileError(f"{self.path!r} holds more than {MOST_OBJECTS:,} groups and arrays. It is not opened.")

    def array(self, item, name):
        if item.external or item.is_virtual:
            self.refuse_outside(name)
        made = item.id.get_create_plist()
        filters = {made.get_filter(number)[0] for number in range(made.get_nfilters())}
        if filters - _FILTERS:
            self.refuse(name, f"is packed by a filter (number {min(filters - _FILTERS)}) that is not built in")
        if not _is_plain(item.dtype):
            self.refuse(name, f"has entries of the kind {item.dtype}, where numbers or strings are expected")
        if item.shape is None:
            self.refuse(name, "has no shape")
        has, stored = item.nbytes, item.id.get_storage_size()
        most = stored if item.chunks is None else MOST_EXPANSION * stored + _of_one_chunk(item)
        if has > most or (has > FREE_BYTES and has > 100 * stored):
            self.refuse(name, f"says that its shape is {item.shape}, {has:,} bytes; {stored:,} are stored")


def _of_one_chunk(item):
    """A small array in a chunk that is larger than it is allowed; a chunk that would fill the memory is not."""
    size = item.dtype.itemsize
    for length in item.chunks:
        size *= length
    return min(size, 1 << 16) if size <= FREE_BYTES or size <= 2 * item.nbytes else -1


def _is_plain(dtype):
    import h5py

    if h5py.check_ref_dtype(dtype) is not None:
        return False
    if dtype.kind == "O":
        return h5py.check_string_dtype(dtype) is not None
    return dtype.kind in "fiubScV" and dtype.fields is None and dtype.subdtype is None
