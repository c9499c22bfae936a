"""What every module has from which people import: what it lacks, a name or a keyword, is answered with the nearest that it has."""

import importlib
import sys
from collections.abc import Mapping

from phasewise.core import keywords, registry


def finish(name: str, later: Mapping[str, str] | None = None) -> None:
    """Make a public module of one that has been imported.

    Args:
        name: the name under which people import it.
        later: what is imported when it is asked for: name -> the module that it is, or that has it.
    """
    module = sys.modules[name]
    later = later or {}
    keywords.tell_in(module, name)
    refuse = vars(module).get("__getattr__") or registry.near_names(name)

    def __getattr__(asked):
        if asked not in later:
            return refuse(asked)
        home = importlib.import_module(later[asked])
        found = home if later[asked] == f"{name}.{asked}" else getattr(home, asked)
        setattr(module, asked, found)
        return found

    module.__getattr__ = __getattr__ if later else refuse
    if later:
        module.__dir__ = lambda: sorted({*vars(module), *later})
