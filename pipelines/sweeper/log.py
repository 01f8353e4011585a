"""Log: every batch of proposals that was written, kept in the lake, so that nothing is proposed twice.

A batch enters the log, with the content of its files, in one commit before its files are written; a second commit says that they are.
A sweep that was killed in between is made up by the next, with the same bytes. What a batch says is in sweeping.py.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipelines.lake import Lake

__all__ = ["SWEEPS", "facts_of", "logged", "note", "write_unwritten"]

SWEEPS = "sweeper_batches"
"""The sweeper's own log; other proposals have a log of the same shape (pipelines/replenishment/proposing.py)."""
_SCHEMA = {
    "step": pl.String(),
    "batch_id": pl.String(),
    "file": pl.String(),
    "as_of_date": pl.Date(),
    "case_id": pl.String(),
    "facts": pl.String(),
    "content": pl.String(),
}
"""`step` is proposed, approved, or written. Rows of cases have `facts`, as JSON; those of files have `content`."""


def logged(lake: Lake, log: str = SWEEPS) -> pl.DataFrame:
    """One row per case and step (proposed, approved): batch, file, day, and the facts of the case at the time, as JSON."""
    lake.ensure(log, _SCHEMA)
    return lake.read(log, [name for name in _SCHEMA if name != "content"]).filter(pl.col("case_id").is_not_null())


def note(lake: Lake, step: str, batch_id: str, cases: pl.DataFrame, files: Mapping[str, bytes], *, log: str = SWEEPS) -> None:
    """Enter a batch: its cases, with columns file, as_of_date, case_id and facts, and its files by path below outbox/sweeper/."""
    of_files = [{"file": name, "content": content.decode()} for name, content in files.items()]
    rows = pl.concat([cases, pl.DataFrame(of_files, schema={"file": pl.String, "content": pl.String})], how="diagonal")
    entry = rows.with_columns(
        step=pl.lit(step), batch_id=pl.lit(batch_id), content=pl.col("content") if "content" in rows.columns else None
    )
    lake.append_batch_once(log, entry.select(pl.col(n).cast(t) for n, t in _SCHEMA.items()), f"sweeper/{batch_id}")


def write_unwritten(lake: Lake, folder: Path, log: str = SWEEPS) -> list[str]:
    """Write the files of all batches in the log that are not known to be written. Returns their paths below the folder."""
    lake.ensure(log, _SCHEMA)
    steps = lake.read(log, ["step", "batch_id"]).unique()
    done = steps.filter(pl.col("step") == "written")["batch_id"]
    open_batches = steps.filter((pl.col("step") != "written") & ~pl.col("batch_id").is_in(done.implode()))["batch_id"].sort().to_list()
    if not open_batches:
        return []
    files = lake.read(log, ["batch_id", "file", "content"]).filter(pl.col("content").is_not_null())
    written = []
    for batch_id in open_batches:
        for name, content in files.filter(pl.col("batch_id") == batch_id).select("file", "content").sort("file").iter_rows():
            _write(folder / name, content.encode())
            written.append(name)
        mark = pl.DataFrame([{"step": "written", "batch_id": batch_id}], schema=_SCHEMA)
        lake.append_batch_once(log, mark, f"sweeper/written/{batch_id}")
    return written


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)  # noqa: PTH105 - one step, so that nobody sees half a file


def facts_of(row: Mapping[str, object]) -> str:
    """Facts of a case as JSON, in a fixed order."""
    return json.dumps(row, default=str, sort_keys=True, ensure_ascii=False)
