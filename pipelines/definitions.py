"""Entry point of Dagster: everything in pipelines/defs, and the executor that all runs use.

A Dagster step in a process of its own costs about four seconds of imports here, so runs stay in one process.
"""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors."""
    found = dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
    return dg.Definitions.merge(found, dg.Definitions(executor=dg.in_process_executor))
