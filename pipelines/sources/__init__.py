"""Sources: delivered files become records of the source contracts, or refusals with a reason.

Reading bytes belongs here, in the source's own words. Storing does not (pipelines/ingest.py), and what values mean is
staging's work. Which files are read, and why a record is refused, is told in README.md.
"""

from pipelines.sources.extract_settings import ExtractSettings, read_extract_settings
from pipelines.sources.extracted import Extracted, ExtractedFiles, FileCounts
from pipelines.sources.mappings import MAPPING_TARGETS, mapping_problems, read_mapping, read_mappings
from pipelines.sources.routing import extract, extract_all, is_document
from pipelines.sources.sap_documents import read_in_parts

__all__ = [
    "MAPPING_TARGETS",
    "ExtractSettings",
    "Extracted",
    "ExtractedFiles",
    "FileCounts",
    "extract",
    "extract_all",
    "is_document",
    "mapping_problems",
    "read_extract_settings",
    "read_in_parts",
    "read_mapping",
    "read_mappings",
]
