"""Histories of units that hypothesis draws: movements of every type, possible or not, told by several systems, some of them twice.

A step of a history becomes rows of bronze tables, in one file or two. Fields are few and short, so that a counterexample reads
as a story.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from pipelines.home import project_root
from tests.flow.bronze import movement
from tests.properties.compiled import File

FIRST_DAY = date(2026, 3, 2)
SITES = ("DC01", "S101", "S102")
LOCATIONS = ("0001", "0002")
FILES = 5
SCANNED = {"101": "receive", "251": "sell", "541": "repair_out", "542": "repair_in", "551": "scrap", "561": "receive"}
TOLD_BY_TILLS = ("251", "252")
TOLD_BY_DELIVERIES = ("601", "641")
DEMANDING = ("erp", "scan", "till", "delivery", "mapped file")


def movement_types() -> dict[str, dict[str, str]]:
    """The movement-type table by movement type: what the seed says of a document's main line."""
    with (project_root() / "dbt_project" / "seeds" / "movement_types.csv").open(encoding="utf-8") as file:
        return {row["movement_type"]: row for row in csv.DictReader(file) if row["line_role"] == "main"}


TYPES = movement_types()
# What shrinks comes first: most lives are receipts, transfers and sales.
KINDS = ("101", "251", "311", "301", "303", "305", "641", "252", "601", "541", "542", *sorted(TYPES))


@dataclass(frozen=True)
class Step:
    """One movement of a unit, and how it was told."""

    kind: str
    day: int = 0
    hour: int | None = 8
    site: str = "DC01"
    other_site: str = "S101"
    location: str = "0001"
    other_location: str = "0001"
    stock: str | None = None
    special_stock: str | None = None
    batch: str | None = None
    valuation: str | None = None
    delivery: str | None = None
    takes_back: int | None = None
    told_by: str = "erp"
    also_scanned: bool = False
    file: int = 0
    sent_again_in: int | None = None
    corrected_in: int | None = None
    corrected_to: str = "site"

    def __repr__(self) -> str:
        """What is told of it beyond the plainest movement."""
        told = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if getattr(self, field.name) != field.default)
        return f"Step({', '.join(told)})"

    def _repr_pretty_(self, printer, cycle) -> None:
        """For hypothesis, which else prints every field."""
        printer.text(repr(self))


@dataclass(frozen=True)
class Unit:
    """One unit and its steps; the number of a step is that of its document."""

    serial: str
    steps: Sequence[Step]

    def files(self) -> Iterator[tuple[int, str, dict]]:
        """Rows of the unit's history: number of the file, bronze table, row."""
        for number, step in enumerate(self.steps):
            rows = [(step.file, *self._told(number, step))]
            if step.also_scanned and step.kind in SCANNED and step.told_by == "erp":
                rows.append((step.file, "handheld/scans", self._scan(number, step)))
            if step.sent_again_in is not None:
                rows += [(step.sent_again_in, table, self._again(row)) for _, table, row in rows]
            if step.corrected_in is not None and step.told_by == "erp":
                rows.append((step.corrected_in, "sap/goods_movements", self._corrected(number, step)))
            yield from rows

    def _again(self, row: dict) -> dict:
        """The row as it is sent again; a mapped file tells the same document on the next day, as daily lists do."""
        return row | {"moved_on": row["moved_on"] + timedelta(days=1), "moved_at": None} if "moved_on" in row else row

    def _told(self, number: int, step: Step) -> tuple[str, dict]:
        if step.told_by == "till" and step.kind in TOLD_BY_TILLS:
            return "pos/receipts", self._till_line(number, step)
        if step.told_by == "delivery" and step.kind in TOLD_BY_DELIVERIES:
            return "sap/deliveries", self._delivery(number, step)
        if step.told_by == "mapped file":
            return "tabular/movements", self._mapped(number, step)
        if step.told_by == "scan" and step.kind in SCANNED:
            return "handheld/scans", self._scan(number, step)
        return "sap/goods_movements", self._posted(number, step)

    def document(self, number: int) -> str:
        """Number of the document of a step."""
        return f"{self.serial}-{number}"

    def _posted(self, number: int, step: Step, **other: object) -> dict:
        day = FIRST_DAY + timedelta(days=step.day)
        # A posting entered on a later day than it speaks of has no clock of its own.
        entered = day if step.hour is not None else FIRST_DAY + timedelta(days=20)
        fields = {
            "ref_doc_no": self.document(number),
            "credat": entered,
            "cretim": f"{step.hour or 0:02}0000",
            "move_plant": step.other_site,
            "move_stloc": step.other_location,
            "stge_loc": step.location,
            "stck_type": step.stock,
            "spec_stock": step.special_stock,
            "batch": step.batch,
            "val_type": step.valuation,
            "deliv_numb_to_search": step.delivery,
            "matdoc_tr_cancel": None if step.takes_back is None else self.document(step.takes_back),
            "move_mat": "A2" if step.kind in ("309", "310") else None,
            "day": day,
            "site": step.site,
            **other,
        }
        return movement(self.document(number), 1, step.kind, self.serial, **fields)

    def _corrected(self, number: int, step: Step) -> dict:
        """The same document, created later, with another unit or another place."""
        row = self._posted(number, step)
        changed = {"serialno": f"{self.serial}X"} if step.corrected_to == "unit" else {"plant": "S102"}
        return {**row, **changed, "cretim": f"{(step.hour or 0) + 1:02}0000"}

    def _moment(self, step: Step) -> datetime:
        day = FIRST_DAY + timedelta(days=step.day)
        return datetime(day.year, day.month, day.day, step.hour or 0)

    def _scan(self, number: int, step: Step) -> dict:
        return {
            "scan_id": f"scan-{self.document(number)}",
            "device_id": "D",
            "scanned_at": self._moment(step),
            "site": step.site,
            "storage_location": step.location,
            "action": SCANNED[step.kind],
            "article": "A1",
            "serial_number": self.serial,
            "document_id": self.document(number),
        }

    def _till_line(self, number: int, step: Step) -> dict:
        day = FIRST_DAY + timedelta(days=step.day)
        return {
            "docnum": f"T{self.document(number)}",
            "sndprn": step.site,
            "credat": day,
            "cretim": "200000",
            "kassid": "K1",
            "vorgdatum": day,
            "vorgzeit": f"{step.hour or 0:02}0000",
            "bonnummer": self.document(number),
            "posnr": 1,
            "qualartnr": "ARTN",
            "artnr": "A1",
            "seriennr": self.serial,
            "vorzeichen": "-" if step.kind == "251" else "+",
            "menge": 1,
            "kondvalue": 100,
        }

    def _delivery(self, number: int, step: Step) -> dict:
        return {
            "docnum": f"D{self.document(number)}",
            "sndprn": "E01",
            "credat": FIRST_DAY + timedelta(days=step.day),
            "cretim": "090000",
            "vbeln": self.document(number),
            "partner_we": step.other_site,
            "lfart": "NL" if step.kind == "641" else "LF",
            "posnr": "10",
            "matnr": "A1",
            "werks": step.site,
            "lgort": step.location,
            "lfimg": 1,
            "sernr": self.serial,
            "delivery_planned_at": self._moment(step),
            "goods_issue_actual_at": self._moment(step),
        }

    def _mapped(self, number: int, step: Step) -> dict:
        return {
            "document_id": self.document(number),
            "movement_type": step.kind,
            "moved_on": FIRST_DAY + timedelta(days=step.day),
            "moved_at": None if step.hour is None else self._moment(step),
            "article_id": "A1",
            "serial_number": self.serial,
            "site_id": step.site,
            "storage_location_id": step.location,
            "to_site_id": step.other_site,
            "to_storage_location_id": step.other_location,
            "valuation_type": step.valuation,
        }


def reversals() -> dict[str, str]:
    """The movement type that takes each movement type back, and is no movement of its own as 252 and 542 are."""
    back = {kind: row["reversal_movement_type"] for kind, row in TYPES.items()}
    return {kind: to for kind, to in back.items() if to and TYPES[to]["is_reversal"] == "true" and to not in ("252", "542")}


def optional(values: st.SearchStrategy) -> st.SearchStrategy:
    """Nothing, or one of the values; nothing is the simpler."""
    return st.one_of(st.none(), values)


@st.composite
def _steps(draw: st.DrawFn, **drawn: st.SearchStrategy) -> Step:
    return Step(**{name: draw(values) for name, values in drawn.items()})


STEPS = _steps(
    kind=st.sampled_from(KINDS),
    day=st.integers(0, 9),
    hour=st.sampled_from([8, 12, None]),
    site=st.sampled_from(SITES),
    other_site=st.sampled_from(SITES),
    location=st.sampled_from(LOCATIONS),
    other_location=st.sampled_from(LOCATIONS),
    stock=optional(st.sampled_from("XS")),
    special_stock=optional(st.sampled_from("KEQM")),
    batch=optional(st.sampled_from(["B1", "B2"])),
    valuation=optional(st.sampled_from(["NEW", "USED"])),
    delivery=optional(st.just("80001")),
    takes_back=optional(st.integers(0, 3)),
    told_by=st.sampled_from(DEMANDING),
    also_scanned=st.booleans(),
    file=st.integers(0, FILES - 1),
    sent_again_in=optional(st.integers(0, FILES - 1)),
    corrected_in=optional(st.integers(0, FILES - 1)),
    corrected_to=st.sampled_from(["site", "unit"]),
)


@st.composite
def units(draw: st.DrawFn, *, at_most: int) -> list[Unit]:
    """Units with histories of one to six steps each."""
    lives = draw(st.lists(st.lists(STEPS, min_size=1, max_size=6), min_size=1, max_size=at_most))
    return [Unit(f"U{number}", steps) for number, steps in enumerate(lives)]


def files_of(told: Sequence[Unit]) -> dict[str, File]:
    """All files by name: what each holds of every unit, by bronze table."""
    files: dict[str, dict[str, list[dict]]] = {}
    for unit in told:
        for number, table, row in unit.files():
            files.setdefault(f"file {number}", {}).setdefault(table, []).append(row)
    return files


def nights_of(files: Mapping[str, File], night_of_file: Sequence[int]) -> list[dict[str, File]]:
    """The files by night, nights without any left out."""
    nights: dict[int, dict[str, File]] = {}
    for name, file in files.items():
        nights.setdefault(night_of_file[int(name.split()[1])], {})[name] = file
    return [nights[number] for number in sorted(nights)]
