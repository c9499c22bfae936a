"""What a model's statistics say of its data, and how they are brought up to date."""

from phasewise.core import public
from phasewise.shift.adapting import Adaptation as Adaptation
from phasewise.shift.adapting import adapt as adapt
from phasewise.shift.audit import Audit as Audit
from phasewise.shift.audit import audit as audit
from phasewise.shift.monitor import Monitor as Monitor
from phasewise.shift.recalibrate import recalibrate as recalibrate

public.finish(__name__)
