"""Bronze rows for the ledger's benchmark: seeded lives of units, as goods movements, in as many commits as nights brought them.

A life is receipt, transfer to a store, sale, and for some a return and a second sale; one record in fifty is sent twice.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.contracts import source_contracts
from pipelines.lake import LINEAGE_SCHEMA, Lake

__all__ = ["append_goods_movements", "goods_movements"]

_TYPES = np.array(["101", "301", "251", "252", "251"])
_DAYS = np.array([0, 3, 12, 20, 31])
_SHARE = np.array([1.0, 0.9, 0.8, 0.06, 0.04])
"""Share of units that get as far as each step of a life."""

_COMMIT_ROWS = 1_000_000


def goods_movements(movements: int, *, first_unit: int = 0, seed: int = 7, first_day: str = "2025-01-01") -> pl.DataFrame:
    """About so many rows of bronze/sap/goods_movements, one per unit and step of its life, in the order of their days."""
    rng = np.random.default_rng(seed)
    units = int(movements / _SHARE.sum() / 1.02)
    reached = rng.random(units)[:, None] < _SHARE[None, :]
    unit, step = np.nonzero(reached)
    born = rng.integers(0, 300, units)
    store = rng.integers(101, 161, units)
    moved = pl.DataFrame({"unit": unit + first_unit, "step": step.astype(np.int8), "day": born[unit] + _DAYS[step], "store": store[unit]})
    again = moved.sample(fraction=0.02, seed=seed)
    day = pl.lit(first_day).str.to_date() + pl.duration(days=pl.col("day"))
    at_store = pl.concat_str(pl.lit("S"), pl.col("store"))
    is_transfer, is_receipt = pl.col("step") == 1, pl.col("step") == 0
    rows = (
        pl.concat([moved.with_columns(copy=pl.lit(0)), again.with_columns(copy=pl.lit(1))])
        .sort("day", "unit", "step", "copy")
        .with_columns(
            docnum=pl.concat_str(pl.lit("9"), (pl.col("unit") * 8 + pl.col("step")).cast(pl.String).str.zfill(15)),
            idoctyp=pl.lit("MBGMCR03"),
            sndprn=pl.lit("ERP1"),
            credat=day,
            cretim=pl.concat_str((9 + pl.col("unit") % 9).cast(pl.String).str.zfill(2), (pl.col("unit") % 3540 + 1000).cast(pl.String)),
            pstng_date=day,
            ref_doc_no=pl.concat_str(pl.lit("D"), (pl.col("unit") * 8 + pl.col("step")).cast(pl.String)),
            matdoc_itm=pl.lit(1, pl.Int64),
            material=pl.concat_str(pl.lit("000000000000"), 400_000 + pl.col("unit") % 300),
            plant=pl.when(is_receipt | is_transfer).then(pl.lit("DC01")).otherwise(at_store),
            stge_loc=pl.lit("0001"),
            batch=pl.lit("NEW"),
            move_type=pl.col("step").cast(pl.Int64).replace_strict(dict(enumerate(_TYPES)), return_dtype=pl.String),
            move_plant=pl.when(is_transfer).then(at_store),
            move_stloc=pl.when(is_transfer).then(pl.lit("0001")),
            vendor=pl.when(is_receipt).then(pl.lit("0000100011")),
            customer=pl.when(pl.col("step") >= 2).then(
                pl.concat_str(pl.lit("00007"), (pl.col("unit") % 50_000).cast(pl.String).str.zfill(5))
            ),
            entry_qnt=pl.lit(1),
            serialno=pl.concat_str(pl.lit("NR"), pl.col("unit").cast(pl.String).str.zfill(10)),
        )
    )
    return _in_contract_shape(rows)


def append_goods_movements(lake: Lake, rows: pl.DataFrame, *, first_moment: str, name: str) -> None:
    """Append the rows in commits of a million, each with a moment of ingestion of its own."""
    for number, part in enumerate(rows.iter_slices(_COMMIT_ROWS)):
        moment = pl.lit(first_moment).str.to_datetime(time_unit="us") + pl.duration(days=number)
        load = f"{name}-{number:04d}"
        frame = part.with_columns(
            _load_id=pl.lit(load), _file=pl.lit(f"sap/idoc/{load}.xml"), _line=pl.int_range(pl.len(), dtype=pl.Int64), _ingested_at=moment
        )
        lake.append_once("bronze/sap/goods_movements", frame.select(*part.columns, *LINEAGE_SCHEMA), [load])


def _in_contract_shape(rows: pl.DataFrame) -> pl.DataFrame:
    schema = source_contracts()["sap/goods_movements"].polars_schema
    return rows.select((pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in schema.items())
