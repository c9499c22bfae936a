"""The folders with the headers that the kernels include, one line with semicolons between, as CMake writes lists."""

import importlib.metadata
import importlib.util
import pathlib


def main():
    jaxlib = pathlib.Path(importlib.util.find_spec("jaxlib").origin).parent / "include"
    onednn = importlib.metadata.distribution("onednn-devel-cpu-gomp")
    header = next(file for file in onednn.files if file.name == "dnnl.hpp" and file.parent.name == "include")
    print(jaxlib, pathlib.Path(onednn.locate_file(header)).resolve().parent, sep=";")


if __name__ == "__main__":
    main()
