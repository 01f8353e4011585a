"""Sent: the record of every feed file and of its lines, and what is still to be said about a business day.

Keeping that record, and telling what is due but not sent, belong here; how a file looks does not (messages.py, journal.py).
A file that was written is never changed: what the facts say since goes into the next file of the day. See PEOPLESOFT.md.
"""

from __future__ import annotations

import hashlib
from datetime import date

import polars as pl

from pipelines.feeds.lines import FACTS, LINE_SCHEMA
from pipelines.feeds.settings import KINDS
from pipelines.lake import Lake

__all__ = ["FILES", "FILE_SCHEMA", "LINES", "ensure_tables", "lines_to_send", "read_files", "read_lines", "with_keys"]

FILES, LINES = "feeds/files", "feeds/lines"

FILE_SCHEMA: dict[str, pl.DataType] = {
    "feed_key": pl.String(),
    "kind_name": pl.String(),
    "business_date": pl.Date(),
    "revision_number": pl.Int32(),
    "file": pl.String(),
    "records": pl.Int64(),
    "quantity": pl.Int64(),
    "amount": pl.Decimal(18, 2),
    "currency_code": pl.String(),
    "records_without_value": pl.Int64(),
    "lines_sha256": pl.String(),
    "content_sha256": pl.String(),
    "settings": pl.String(),
    "written_at": pl.Datetime("us"),
}

SENT_SCHEMA: dict[str, pl.DataType] = {
    "feed_key": pl.String(),
    "revision_number": pl.Int32(),
    **LINE_SCHEMA,
    "is_taken_back": pl.Boolean(),
    "lines_sha256": pl.String(),
}

_OF_FILE = ["kind_name", "business_date"]


def ensure_tables(lake: Lake) -> None:
    """Create the two tables, empty, unless they are there."""
    lake.ensure(FILES, FILE_SCHEMA)
    lake.ensure(LINES, SENT_SCHEMA)


def read_files(lake: Lake) -> pl.DataFrame:
    """One row per feed file, in order of kind, day and revision."""
    return lake.read(FILES).sort(*_OF_FILE, "revision_number")


def read_lines(lake: Lake, *, first_day: date, last_day: date) -> pl.DataFrame:
    """Lines that were sent about the business days."""
    return lake.read(LINES, between=("business_date", first_day, last_day))


def lines_to_send(due: pl.DataFrame, sent: pl.DataFrame, refused: pl.Series) -> pl.DataFrame:
    """What the next files have to say: LINE_SCHEMA and `is_taken_back`, one row per line.

    What was sent in files that the other side refused does not count. A line that no longer holds is taken back, by its
    opposite, mapped and valued as it was sent; a journal line that was sent without a value is sent anew once there is one.
    """
    counted = sent.filter(~pl.col("feed_key").is_in(refused.implode()))
    others = [pl.col(name).last() for name in LINE_SCHEMA if name not in (*FACTS, "quantity")]
    # In one file, what holds comes after what is taken back.
    counted = counted.sort("revision_number", "is_taken_back", descending=[False, True])
    standing = counted.group_by(FACTS, maintain_order=True).agg(pl.col("quantity").sum(), *others)
    standing = standing.filter(pl.col("quantity") != 0).select(*LINE_SCHEMA)
    new = due.join(standing, on=FACTS, how="anti", nulls_equal=True)
    gone = standing.join(due, on=FACTS, how="anti", nulls_equal=True)
    unpriced = standing.filter((pl.col("kind_name") == "journal") & pl.col("unit_cost").is_null())
    priced = due.filter(pl.col("unit_cost").is_not_null()).join(unpriced, on=FACTS, how="semi", nulls_equal=True)
    outdated = unpriced.join(priced, on=FACTS, how="semi", nulls_equal=True)
    taken_back = pl.concat([gone, outdated]).with_columns(-pl.col("quantity"), is_taken_back=pl.lit(value=True))
    return pl.concat([pl.concat([new, priced]).with_columns(is_taken_back=pl.lit(value=False)), taken_back])


def with_keys(lines: pl.DataFrame, files: pl.DataFrame, refused: pl.Series, *, is_resent: bool) -> pl.DataFrame:
    """The lines with the key and the revision of the file they go into: SENT_SCHEMA, in the order of the files.

    Lines that the newest file of their day had already, and that were refused, are left out unless `is_resent`: the other
    side would refuse them again.
    """
    newest = files.group_by(_OF_FILE).agg(pl.col("revision_number").max(), pl.col("feed_key", "lines_sha256").last())
    newest = newest.rename({"feed_key": "newest_key", "lines_sha256": "newest_sha256", "revision_number": "newest_revision"})
    ordered = lines.select(*LINE_SCHEMA, "is_taken_back").sort(*FACTS, "is_taken_back", nulls_last=True)
    keyed = pl.concat([_with_digest(group) for _, group in ordered.group_by(_OF_FILE, maintain_order=True)]) if lines.height else ordered
    if keyed.is_empty():
        return pl.DataFrame(schema=SENT_SCHEMA)
    keyed = keyed.join(newest, on=_OF_FILE, how="left")
    if not is_resent:
        same = pl.col("newest_key").is_in(refused.implode()) & (pl.col("newest_sha256") == pl.col("lines_sha256"))
        keyed = keyed.filter(~same.fill_null(value=False))
    keyed = keyed.with_columns(revision_number=(pl.col("newest_revision") + 1).fill_null(0).cast(pl.Int32))
    prefix = pl.col("kind_name").replace_strict(KINDS)
    day, revision = pl.col("business_date").dt.strftime("%Y%m%d"), pl.col("revision_number").cast(pl.String).str.zfill(2)
    return keyed.with_columns(feed_key=pl.format("{}-{}-{}", prefix, day, revision)).select(*SENT_SCHEMA)


def _with_digest(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of one file with the hash of them all."""
    digest = hashlib.sha256(lines.write_csv().encode()).hexdigest()
    return lines.with_columns(lines_sha256=pl.lit(digest))
