"""What a model's statistics say of its data, and how they are brought up to date."""

from phasewise.shift.recalibrate import recalibrate as recalibrate
