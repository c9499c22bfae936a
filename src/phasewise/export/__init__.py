"""Models for serving: programs in files that run without phasewise (`Model.export`), and such a file opened."""

from phasewise.export.loading import Served as Served
from phasewise.export.loading import load as load
