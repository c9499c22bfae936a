"""Models for serving: programs in files that run without phasewise (`Model.export`, `ExportArchive`), and such a file opened."""

from phasewise.core import public
from phasewise.export.export_archive import ExportArchive as ExportArchive
from phasewise.export.loading import Served as Served
from phasewise.export.loading import load as load
from phasewise.export.stablehlo_folder import ServedArchive as ServedArchive

public.finish(__name__)
