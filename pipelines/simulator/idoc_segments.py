"""IDoc segments: fields, segments, control records and files as string expressions over feed rows.

What all basic types share belongs here. Which segments a type has is in idoc_xml.py and idoc_deliveries.py.
The shape is that of the IDoc XML port: root element of the basic type, several IDOC elements in a file.
"""

from __future__ import annotations

import polars as pl

__all__ = ["control", "files_of", "first_of", "fixed", "joined_texts", "segment", "tag", "tags", "texts_of"]

_ESCAPED = ("arktx", "header_txt", "item_text", "lifex")


_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def tag(name: str, column: str | None = None) -> pl.Expr:
    """`<NAME>value</NAME>`; nothing where the value is null."""
    value = pl.col(column or name.lower())
    if (column or name.lower()) in _ESCAPED:
        value = value.str.replace_many(["&", "<", ">"], ["&amp;", "&lt;", "&gt;"])
    return pl.concat_str(pl.lit(f"<{name}>"), value, pl.lit(f"</{name}>")).fill_null("")


def fixed(name: str, value: str) -> pl.Expr:
    """A field with the same value in every row."""
    return pl.lit(f"<{name}>{value}</{name}>")


def segment(name: str, *fields: pl.Expr) -> pl.Expr:
    """A whole segment without children, ending in a newline."""
    return pl.concat_str(pl.lit(f'<{name} SEGMENT="1">'), *fields, pl.lit(f"</{name}>\n"))


def texts_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Columns as SAP writes them: yyyymmdd, and numbers as text; columns without any value are left out."""
    filled = [name for name in rows.columns if rows[name].null_count() < len(rows)]
    dates = [name for name in filled if rows.schema[name] == pl.Date]
    other = [name for name in filled if rows.schema[name] not in (pl.Date, pl.String) and not isinstance(rows.schema[name], pl.Datetime)]
    return rows.select(filled).with_columns(pl.col(dates).dt.strftime("%Y%m%d"), pl.col(other).cast(pl.String))


def tags(rows: pl.DataFrame, names: tuple[str, ...]) -> list[pl.Expr]:
    """The fields of these names that the rows have at all."""
    return [tag(name) for name in names if name.lower() in rows.columns]


def control(message: str, sender_type: str, direction: int) -> pl.Expr:
    """The control record of an IDoc of this message type, from the columns docnum, idoctyp, sndprn, credat, cretim."""
    head = f"<TABNAM>EDI_DC40</TABNAM><MANDT>100</MANDT><DIRECT>{direction}</DIRECT><OUTMOD>2</OUTMOD>"
    head += f"<MESTYP>{message}</MESTYP>"
    partner = f"<SNDPOR>SAPE01</SNDPOR><SNDPRT>{sender_type}</SNDPRT>"
    receiver = "<RCVPOR>LAKE</RCVPOR><RCVPRT>LS</RCVPRT><RCVPRN>LAKEHOUSE</RCVPRN>"
    fields = (tag("DOCNUM"), tag("IDOCTYP"), tag("SNDPRN"), tag("CREDAT"), tag("CRETIM"))
    return segment("EDI_DC40", pl.lit(head), *fields[:2], pl.lit(partner), fields[2], pl.lit(receiver), *fields[3:])


def joined_texts(rows: pl.DataFrame, keys: list[str], columns: list[str]) -> pl.DataFrame:
    """Texts of the rows of each key joined in their order."""
    return rows.group_by(keys, maintain_order=True).agg(pl.col(columns).str.join(""))


def files_of(idocs: pl.DataFrame, root: str) -> pl.DataFrame:
    """One row per file: `_file` and its text, from one text per IDoc."""
    whole = pl.concat_str(pl.lit('<IDOC BEGIN="1">\n'), "text", pl.lit("</IDOC>\n"))
    files = idocs.with_columns(text=whole).group_by("_file", maintain_order=True).agg(pl.col("text").str.join(""))
    return files.with_columns(text=pl.concat_str(pl.lit(f"{_HEAD}<{root}>\n"), "text", pl.lit(f"</{root}>\n")))


def first_of(*keys: str) -> pl.Expr:
    """True for the first row of each run of keys."""
    return pl.struct(keys).rle_id().diff().fill_null(1) > 0
