"""Live: running databases of other systems are read into whole files below landing/, and go through the same door as any delivery.

What to read, from which snapshot, and since when belongs here. Loading the files does not (pipelines/ingest.py), nor does
saying what they mean (dbt staging). How no row is missed is told in pipelines/sources/TRYTON.md.
"""

from pipelines.live.errors import LiveError
from pipelines.live.extracting import EXTRACTIONS, Extraction, connection_string, extract
from pipelines.live.s4 import S4, extract_s4, s4_address
from pipelines.live.tryton import TRYTON

SYSTEMS = {"tryton": TRYTON}
"""Databases that can be read live, by the name of their folder below landing/."""

__all__ = ["EXTRACTIONS", "S4", "SYSTEMS", "Extraction", "LiveError", "connection_string", "extract", "extract_s4", "s4_address"]
