"""Bronze rows for the ledger's benchmark: seeded lives of units, told as goods movements and scans in the order of their days.

About ten movements a unit: receipt and moves in the distribution centre, a transfer in two steps to a store (its arrival lost at times),
moves there (some reversed), counts that miss and find, a transfer to another store, sale, return, repair at a vendor, second sale. One
record in fifty is sent twice; three receipts in ten are scanned, too. Serial numbers lie scattered, as those of phones do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import polars as pl

from pipelines.contracts import source_contracts
from pipelines.lake import LINEAGE_SCHEMA, Lake

__all__ = ["Lives", "append_delivery", "goods_movements"]

FIRST_DAY = "2024-01-01"
_CENTRE, _VENDOR, _REPAIRER = "DC01", "0000100011", "0000100099"

# Step of a life: movement type, share of the units that came past the step it hangs on, that step, least and most days after it,
# site and storage location where it is posted, site and storage location that it goes to.
_STEPS = [
    ("101", 1.00, None, 0, 0, "centre", "0001", None, None),
    ("311", 1.00, 0, 1, 1, "centre", "0001", "centre", "0002"),
    ("311", 0.97, 1, 3, 40, "centre", "0002", "centre", "0003"),
    ("303", 1.00, 2, 1, 1, "centre", "0003", "store", None),
    ("305", 0.995, 3, 2, 3, "store", "0001", None, None),
    ("311", 1.00, 3, 4, 4, "store", "0001", "store", "0002"),
    ("312", 0.03, 5, 0, 0, "store", "0001", "store", "0002"),
    ("311", 1.00, 6, 0, 0, "store", "0001", "store", "0002"),
    ("311", 0.60, 5, 2, 20, "store", "0002", "store", "0001"),
    ("311", 1.00, 8, 1, 3, "store", "0001", "store", "0002"),
    ("702", 0.02, 5, 25, 28, "store", "0002", None, None),
    ("701", 1.00, 10, 1, 2, "store", "0002", None, None),
    ("301", 0.30, 5, 32, 40, "store", "0002", "other", "0002"),
    ("311", 1.00, 12, 1, 1, "last", "0002", "last", "0001"),
    ("311", 1.00, 13, 1, 2, "last", "0001", "last", "0002"),
    ("251", 0.90, 5, 44, 180, "last", "0002", None, None),
    ("252", 0.12, 15, 3, 25, "last", "0001", None, None),
    ("541", 0.50, 16, 1, 2, "last", "0001", None, None),
    ("542", 1.00, 17, 5, 20, "last", "0001", None, None),
    ("311", 1.00, 16, 24, 24, "last", "0001", "last", "0003"),
    ("251", 0.80, 19, 2, 60, "last", "0003", None, None),
]
_GOES_ON, _RETURNED, _OLD = 12, 16, 31
_SALES = (15, 20)
_KEY = 32
"""Steps that a unit can have: unit and step are kept as one number, unit * 32 + step."""
_WINDOW_DAYS = 4
_SCATTER, _SERIALS = 61_803_398_873, 10**11
_COMMIT_ROWS = 1_000_000


class Lives:
    """The lives of units that are received at a constant rate, window by window of days; what lies ahead is kept as numbers."""

    def __init__(self, units_per_day: int, *, seed: int = 7, first_day: str = FIRST_DAY) -> None:
        self._rng = np.random.default_rng(seed)
        self._units_per_day, self._first_day = units_per_day, first_day
        self._ahead: dict[int, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
        self._window = 0
        self._again: pl.DataFrame | None = None
        self.units = 0

    def next_window(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rows of bronze/sap/goods_movements and of bronze/handheld/scans of the next days, without lineage."""
        self._receive(self._units_per_day * _WINDOW_DAYS)
        parts = self._ahead.pop(self._window)
        key, day = (np.concatenate([part[at] for part in parts]) for at in (0, 1))
        self._window += 1
        moves = self._moves(key, day)
        again, self._again = self._again, moves.sample(fraction=0.02, seed=self._window)
        return _goods(moves if again is None else pl.concat([moves, again])), _scans(moves)

    def some_old(self, rows: int) -> pl.DataFrame:
        """Goods movements of units of any age, handed in at a till now."""
        unit = np.unique(self._rng.integers(0, self.units, rows))
        return _goods(self._moves(unit * _KEY + _OLD, np.full(len(unit), self._window * _WINDOW_DAYS)))

    def _receive(self, units: int) -> None:
        rng, first = self._rng, self.units
        self.units += units
        unit = np.arange(first, self.units)
        came, days = [], []
        for step, (_, share, after, least, most, *_) in enumerate(_STEPS):
            past = np.ones(units, dtype=bool) if after is None else came[after]
            came.append(past & (_goes_on(unit) if step == _GOES_ON else rng.random(units) < share))
            start = self._window * _WINDOW_DAYS + rng.integers(0, _WINDOW_DAYS, units) if after is None else days[after]
            days.append(start + rng.integers(least, most + 1, units))
        for step, (reached, day) in enumerate(zip(came, days, strict=True)):
            key, at = unit[reached] * _KEY + step, day[reached].astype(np.int32)
            window = at // _WINDOW_DAYS
            order = np.argsort(window, kind="stable")
            bounds = np.flatnonzero(np.diff(window[order])) + 1
            for part in np.split(order, bounds):
                if len(part):
                    self._ahead[int(window[part[0]])].append((key[part], at[part]))

    def _moves(self, key: np.ndarray, day: np.ndarray) -> pl.DataFrame:
        """Units and steps of their lives with the sites of each, in the order of days."""
        unit, step = key // _KEY, key % _KEY
        store = (unit * 7919) % 60
        other = (store + 1 + unit % 59) % 60
        return (
            pl.DataFrame(
                {
                    "unit": unit,
                    "step": step.astype(np.int8),
                    "day": day.astype(np.int32),
                    "store": store,
                    "other": other,
                    "last": np.where(_goes_on(unit), other, store),
                }
            )
            .with_columns(
                *(pl.concat_str(pl.lit("S"), 101 + pl.col(name)).alias(name) for name in ("store", "other", "last")),
                number=pl.col("store"),
                centre=pl.lit(_CENTRE),
                date=pl.lit(self._first_day).str.to_date() + pl.duration(days=pl.col("day")),
                article=pl.concat_str(pl.lit("000000000000"), 400_000 + pl.col("unit") % 300),
                serial=pl.concat_str(pl.lit("35"), ((pl.col("unit") * _SCATTER) % _SERIALS).cast(pl.String).str.zfill(11)),
            )
            .sort("day", "step", "unit")
        )


def _goes_on(unit: np.ndarray) -> np.ndarray:
    """Whether a unit goes on to another store: told by its number, so that nobody need remember it."""
    return unit * 7 % 10 < 3


def _told(column: int) -> pl.Expr:
    """What a step says, by its place in the table of steps."""
    old = ("252", 1, None, 0, 0, "last", "0001", None, None)
    return pl.col("step").replace_strict(
        {**{at: step[column] for at, step in enumerate(_STEPS)}, _OLD: old[column]}, return_dtype=pl.String
    )


def _site(column: int) -> pl.Expr:
    kind = _told(column)
    return pl.coalesce(pl.when(kind == name).then(pl.col(name)) for name in ("centre", "store", "other", "last"))


def _document() -> pl.Expr:
    """Fifty units share a document, where they move together; a sale or return has a receipt of its own."""
    number = ((pl.col("day") * _KEY + pl.col("step")) * 64 + pl.col("number")) * 8 + pl.col("unit") // 50 % 8
    receipt = pl.concat_str(pl.lit("R"), (pl.col("unit") * _KEY + pl.col("step")).cast(pl.String).str.zfill(10))
    is_receipt = pl.col("step").is_in([*_SALES, _RETURNED, _OLD])
    return pl.when(is_receipt).then(receipt).otherwise((4_900_000_000 + number.cast(pl.Int64)).cast(pl.String))


def _clock() -> pl.Expr:
    """Steps of one day come in their order; the seconds differ by unit."""
    parts = (pl.col("step") + 2).clip(upper_bound=23), pl.col("unit") % 60, pl.col("unit") // 60 % 60
    return pl.concat_str(*(part.cast(pl.String).str.zfill(2) for part in parts))


def _goods(moves: pl.DataFrame) -> pl.DataFrame:
    """Rows of bronze/sap/goods_movements: one IDoc per unit and step."""
    step = pl.col("step")
    return _in_contract_shape(
        "sap/goods_movements",
        moves.with_columns(
            docnum=pl.concat_str(pl.lit("9"), (pl.col("unit") * _KEY + step).cast(pl.String).str.zfill(15)),
            idoctyp=pl.lit("MBGMCR03"),
            sndprn=pl.lit("ERP1"),
            credat=pl.col("date"),
            cretim=_clock(),
            pstng_date=pl.col("date"),
            ref_doc_no=_document(),
            matdoc_itm=pl.lit(1, pl.Int64),
            material=pl.col("article"),
            plant=_site(5),
            stge_loc=_told(6),
            batch=pl.when(step > _RETURNED).then(pl.lit("OPEN")).otherwise(pl.lit("NEW")),
            move_type=_told(0),
            move_plant=_site(7),
            move_stloc=_told(8),
            vendor=pl.when(step == 0).then(pl.lit(_VENDOR)).when(_told(0).is_in(["541", "542"])).then(pl.lit(_REPAIRER)),
            customer=pl.when(step.is_in([*_SALES, _RETURNED])).then(
                pl.concat_str(pl.lit("00007"), ((pl.col("unit") * 13 + (step > _RETURNED)) % 50_000).cast(pl.String).str.zfill(5))
            ),
            entry_qnt=pl.lit(1),
            serialno=pl.col("serial"),
        ),
    )


def _scans(moves: pl.DataFrame) -> pl.DataFrame:
    """Rows of bronze/handheld/scans: three receipts in ten are scanned, seven minutes before they are posted."""
    received = moves.filter((pl.col("step") == 0) & (pl.col("unit") % 10 < 3))
    return _in_contract_shape(
        "handheld/scans",
        received.with_columns(
            scan_id=pl.concat_str(pl.lit("N"), pl.col("unit").cast(pl.String)),
            scanned_at=(pl.concat_str(pl.col("date").cast(pl.String), _clock())).str.to_datetime("%Y-%m-%d%H%M%S") - pl.duration(minutes=7),
            site=pl.lit(_CENTRE),
            storage_location=pl.lit("0001"),
            action=pl.lit("receive"),
            document_id=_document(),
            article=pl.col("article").str.strip_chars_start("0"),
            serial_number=pl.col("serial"),
        ),
    )


def goods_movements(rows: int) -> pl.DataFrame:
    """So many rows of bronze/sap/goods_movements, in the order of their days."""
    lives, parts = Lives(max(100, rows // 700)), []
    while sum(part.height for part in parts) < rows:
        parts.append(lives.next_window()[0])
    return pl.concat(parts).head(rows)


def append_delivery(lake: Lake, rows: Mapping[str, pl.DataFrame], *, moment: str, name: str) -> None:
    """Append rows by bronze table, in commits of a million at most, as files taken in at one moment."""
    for table, frame in rows.items():
        for number, part in enumerate(frame.iter_slices(_COMMIT_ROWS)):
            load = f"{name}-{number:02d}"
            lineage = part.with_columns(
                _load_id=pl.lit(load),
                _file=pl.lit(f"{table}/{load}"),
                _line=pl.int_range(pl.len(), dtype=pl.Int64),
                _ingested_at=pl.lit(moment).str.to_datetime(time_unit="us"),
            )
            lake.append_once(f"bronze/{table}", lineage.select(*part.columns, *LINEAGE_SCHEMA), [load])


def _in_contract_shape(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    schema = source_contracts()[table].polars_schema
    return rows.select((pl.col(name) if name in rows.columns else pl.lit(None)).cast(dtype).alias(name) for name, dtype in schema.items())
