"""What `config.set_max_epochs` and `config.set_max_steps_per_epoch` leave of a run."""

from phasewise.core import defaults
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.data import make_executor


def epochs(wanted):
    """How many epochs are run of those that `fit` was told to; fewer are told."""
    most = defaults.max_epochs()
    if most is None or wanted <= most:
        return wanted
    warn(f"fit runs {most} of {wanted} epochs: config.max_epochs() is {most}.", PhasewiseWarning)
    return most


def steps(wanted, plan):
    """How many steps an epoch, or a pass, has of those that were asked for; None is as many as the plan has that `plan()` gives."""
    most = defaults.max_steps_per_epoch()
    if most is None:
        return wanted
    if wanted is not None:
        return min(wanted, most)
    count = make_executor(plan()).cardinality
    return None if 0 <= count <= most else most
