"""Running a script as Python does: its arguments, its folder, its name, its tracebacks, its exit status."""

import contextlib
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

from phasewise.scripts import finder
from phasewise.scripts.tracebacks import told


class NotAScript(ValueError):
    """What was to be run is no script."""


def run(script: str | os.PathLike, arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Run a script that was written for Keras, unchanged: what it imports of Keras is phasewise's.

    Imports of `keras`, `tf_keras`, `tensorflow.keras` and `tensorflow.python.keras`, of the `Dataset` of `tensorflow.data`, and of the
    few names of TensorFlow that scripts use beside them, get phasewise's while it runs. An installed Keras or TensorFlow
    is neither changed nor imported. From the command line it is `phasewise run script.py`.

    Args:
        script: path of the file.
        arguments: what it finds in `sys.argv` behind its own name.

    Returns:
        The names that the script leaves behind, as a dict.

    Raises:
        ValueError: there is no such script.
        Whatever the script raises.
    """
    source, path = read(os.fspath(script))
    with elsewhere():
        finder.install()
        return _run_source(source, path, [os.fspath(script), *map(str, arguments)])


def run_as_process(script: str, arguments: Sequence[str], as_module: bool = False) -> int:
    """Run a script as this process's main one, for good.

    Args:
        script: path of the file; "-" for standard input; with `as_module` the name of a module.

    Returns:
        The exit status: 0, 1 after an error, which is printed as Python prints it, 130 after Ctrl-C.

    Raises:
        NotAScript: there is none.
        SystemExit: the script does.
    """
    finder.install()
    try:
        if as_module:
            _run_module(script, arguments)
        else:
            source, path = read(script)
            _run_source(source, path, [script, *arguments])
    except (SystemExit, NotAScript):
        raise
    except BaseException as error:
        sys.excepthook(*told(error))
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def read(script: str) -> tuple[bytes, str]:
    """The source of a script, and the name under which tracebacks speak of it.

    Raises:
        NotAScript: there is no such file, it is a folder, or none of Python's.
    """
    if script == "-":
        return sys.stdin.buffer.read(), "<stdin>"
    if script.endswith(".ipynb"):
        raise NotAScript(f"{script} is a notebook; make a script of it: jupyter nbconvert --to script {script}")
    if os.path.isdir(script):
        raise NotAScript(f"{script} is a folder; give the script in it, or with -m the name of a package.")
    try:
        with open(script, "rb") as file:
            return file.read(), os.path.abspath(script)
    except OSError as error:
        raise NotAScript(f"the script {script} cannot be read: {error.strerror}.") from error


def _run_source(source, path, argv):
    main = types.ModuleType("__main__")
    if path == "<stdin>":
        folder = ""
    else:
        main.__file__, main.__cached__ = path, None
        folder = os.path.dirname(os.path.realpath(path))
    _become(main, argv, folder)
    exec(compile(source, path, "exec", dont_inherit=True), vars(main))
    return vars(main)


def _run_module(name, arguments):
    sys.path.insert(0, os.getcwd())
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
        code = spec and spec.loader and spec.loader.get_code(spec.name)
    except (ImportError, AttributeError, ValueError) as error:
        raise NotAScript(f"no module {name!r} can be run: {error}.") from error
    if code is None:
        raise NotAScript(f"there is no module {name!r} to run, or it is a package without __main__.")
    del sys.path[0]
    main = types.ModuleType("__main__")
    main.__spec__, main.__loader__, main.__file__, main.__package__ = spec, spec.loader, spec.origin, spec.parent
    _become(main, [spec.origin, *arguments], os.getcwd())
    exec(code, vars(main))


def _become(main, argv, folder):
    """Make `main` the process's main module; the script's folder takes the place of that of the command."""
    sys.modules["__main__"], sys.argv = main, argv
    main.__builtins__ = __builtins__
    if sys.path and not sys.flags.safe_path:
        del sys.path[0]
    sys.path.insert(0, folder)


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """Inside the block the process may have another main module, other arguments, the stand-ins; afterwards it has its own again."""
    argv, path, main = sys.argv, list(sys.path), sys.modules.get("__main__")
    theirs = _taken_out()
    try:
        yield
    finally:
        finder.remove()
        _taken_out()
        sys.modules.update(theirs)
        sys.argv, sys.path[:], sys.modules["__main__"] = argv, path, main


def _taken_out():
    """The modules of Keras and TensorFlow that are imported; they are so no more."""
    names = [name for name in sys.modules if finder.is_answered_here(name)]
    return {name: sys.modules.pop(name) for name in names}
