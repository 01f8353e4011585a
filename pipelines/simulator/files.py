"""Files: writes the feeds of a world as the files that its systems would deliver, each under a temporary name first.

CSV, JSON lines, batching and the atomic rename belong here. The text of IDoc files is put together in idoc_xml.py.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from pipelines.simulator.idoc_xml import ASSEMBLERS

__all__ = ["write_feeds", "write_truth"]

_ROWS_PER_BATCH = 150_000
_PACKED_WITH = {"sap/deliveries": "sap/handling_units"}
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


def write_feeds(feeds: dict[str, pl.DataFrame], copies: pl.DataFrame, out: Path, *, on_file: Callable[[int], None] | None) -> int:
    """Writes all feeds, then the exact copies (original_file, duplicate_file); returns the number of files."""
    count = 0
    for table, frame in feeds.items():
        if table in _PACKED_WITH.values() or not len(frame):
            continue
        for name, content in _contents(table, frame, feeds):
            _replace(out / name, content)
            count += 1
            if on_file:
                on_file(count)
    for original, duplicate in copies.select("original_file", "duplicate_file").iter_rows():
        _replace(out / duplicate, (out / original).read_bytes())
        count += 1
        if on_file:
            on_file(count)
    return count


def write_truth(tables: dict[str, pl.DataFrame], folder: Path) -> None:
    """Writes one parquet file per truth table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        temporary = folder / f".{name}.part"
        frame.write_parquet(temporary)
        temporary.replace(folder / f"{name}.parquet")


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(content)
    temporary.replace(path)


def _contents(table: str, frame: pl.DataFrame, feeds: dict[str, pl.DataFrame]) -> Iterator[tuple[str, bytes]]:
    """File names and contents of one feed, batch by batch."""
    if table not in ASSEMBLERS:
        for batch in _batches(frame):
            for part in batch.partition_by("_file", maintain_order=True):
                yield part["_file"][0], _flat(table, part.drop("_file"))
        return
    packed = feeds.get(_PACKED_WITH.get(table, ""))
    for batch in _batches(frame):
        extra = () if packed is None else (packed.filter(pl.col("_file").is_in(batch["_file"].unique().implode())),)
        for name, content in ASSEMBLERS[table](batch, *extra).iter_rows():
            yield name, content.encode()


def _batches(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Slices of whole files of about the batch size, rows in their order."""
    counts = frame.group_by("_file", maintain_order=True).len()
    if len(frame) <= _ROWS_PER_BATCH:
        yield frame
        return
    number = (counts["len"].cum_sum() - 1) // _ROWS_PER_BATCH
    batch_of = counts.select("_file", _part=number)
    yield from frame.join(batch_of, on="_file", maintain_order="left").partition_by("_part", maintain_order=True, include_key=False)


def _flat(table: str, rows: pl.DataFrame) -> bytes:
    if table == "handheld/scans":
        return _json_lines(rows)
    buffer = io.BytesIO()
    if table.startswith("sap/"):
        # The mark of changes is ours: a system has marks of its own, or none.
        rows.drop("change_mode", strict=False).rename(str.upper).write_csv(buffer, date_format="%Y%m%d")
    else:
        rows.write_csv(buffer, datetime_format=_MOMENT)
    return buffer.getvalue()


def _json_lines(rows: pl.DataFrame) -> bytes:
    """One object per line without nulls; codes and numbers of these feeds need no escaping."""
    moments = [name for name, dtype in rows.schema.items() if isinstance(dtype, pl.Datetime)]
    filled = [name for name in rows.columns if rows[name].null_count() < len(rows)]
    texts = rows.select(filled).with_columns(pl.col(moments).dt.strftime(_MOMENT))
    members = [pl.concat_str(pl.lit(f'"{name}":"'), pl.col(name), pl.lit('"')) for name in filled]
    lines = texts.select(pl.concat_str(pl.lit("{"), pl.concat_str(members, separator=",", ignore_nulls=True), pl.lit("}"))).to_series()
    return ("\n".join(lines) + "\n").encode()
