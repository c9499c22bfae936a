"""Kernels in C++ (the folder `native/`), each a second implementation of a function of arrays that stands beside it in XLA's operations.

`library` finds and loads them, `operation` decides for each call, where a program is lowered, which of the two it is.
"""
