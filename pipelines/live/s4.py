"""S/4HANA: material documents with their serial numbers, and serial number profiles of articles, over SAP's own OData services.

What is asked for, since when, and how it becomes files belongs here; talking to the server does not (odata.py).
Columns are those of data_contracts/sources/s4. How no document is missed is told in pipelines/live/S4.md.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from pipelines.contracts import Contract
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.live.errors import LiveError
from pipelines.live.extracting import Extraction, alone
from pipelines.live.odata import Credentials, ODataService

__all__ = ["S4", "WATERMARKS", "S4Address", "extract_s4", "s4_address"]

S4 = "s4"
WATERMARKS = "odata_extractions"
"""Delta table: one row per extraction, service and window of days."""
WATERMARKS_SCHEMA: dict[str, pl.DataType] = {
    "system": pl.String(),
    "table_name": pl.String(),
    "host": pl.String(),
    "read_until": pl.Date(),
    "extracted_at": pl.Datetime("us"),
    "rows": pl.Int64(),
}
OVERLAP_DAYS = 1
"""Days that are read again: a document may be committed after a later one was read, and clocks differ."""
WINDOW_DAYS = 31
"""Days that are read, landed and entered in one piece: after a crash, reading goes on behind the last of them."""


@dataclass(frozen=True)
class S4Address:
    """Where the services are, and how one gets in; never shown."""

    url: str
    credentials: Credentials = None

    def __repr__(self) -> str:
        """Nothing that a log may not hold."""
        return "S4Address(...)"


def s4_address() -> S4Address:
    """The address and the credentials that the environment holds. Raises LiveError where it holds no address."""
    url = os.environ.get("SERIALAKE_S4_URL")
    if not url:
        raise LiveError("SERIALAKE_S4_URL is not set: export it as https://host/sap/opu/odata/sap, and SERIALAKE_S4_USER and _PASSWORD.")
    token, user = os.environ.get("SERIALAKE_S4_TOKEN"), os.environ.get("SERIALAKE_S4_USER")
    return S4Address(url, token or ((user, os.environ.get("SERIALAKE_S4_PASSWORD", "")) if user else None))


@dataclass(frozen=True)
class _Set:
    """One bronze table: the service and the entity set that fill it, the day that tells what is new, and its rows."""

    table: str
    service: str
    entity: str
    day: str
    expand: Mapping[str, Any]
    rows: Callable[[dict], Iterator[dict]]
    key: tuple[str, ...]


def _document_rows(header: dict) -> Iterator[dict]:
    """One row per item and serial number, or per item where it has none."""
    for item in header.get("to_MaterialDocumentItem") or []:
        for serial in item.get("to_SerialNumbers") or [{}]:
            yield {**serial, **item, **header, "SerialNumber": serial.get("SerialNumber")}


def _product_rows(product: dict) -> Iterator[dict]:
    """One row per article and site."""
    for plant in product.get("to_Plant") or []:
        yield {**product, **plant}


_SETS = (
    _Set(
        "material_documents",
        "API_MATERIAL_DOCUMENT_SRV",
        "A_MaterialDocumentHeader",
        "CreationDate",
        {"to_MaterialDocumentItem": {"to_SerialNumbers": {}}},
        _document_rows,
        ("material_document_year", "material_document"),
    ),
    _Set("product_plants", "API_PRODUCT_SRV", "A_Product", "LastChangeDate", {"to_Plant": {}}, _product_rows, ()),
)


def extract_s4(
    home: Home, lake: Lake, contracts: Mapping[str, Contract], *, address: S4Address, now: datetime, is_full: bool = False
) -> Extraction:
    """Write what is new since the last extraction, or everything, and return what was written.

    Raises LiveError; what was landed before stays, and the next extraction goes on behind it.
    """
    with alone(home, S4):
        lake.ensure(WATERMARKS, WATERMARKS_SCHEMA)
        files: list[str] = []
        changed: dict[str, int] = {}
        for entity_set in _SETS:
            service = ODataService(f"{address.url.rstrip('/')}/{entity_set.service}", address.credentials)
            writer = _Writer(home, lake, contracts[f"{S4}/{entity_set.table}"], entity_set, service, now)
            written, rows = writer.write(is_full=is_full)
            files += written
            changed[entity_set.table] = rows
        return Extraction(now, tuple(files), changed, dict.fromkeys(changed, 0))


class _Writer:
    """Writes one entity set, window by window."""

    def __init__(self, home: Home, lake: Lake, contract: Contract, entity_set: _Set, service: ODataService, now: datetime) -> None:
        """Take what all windows share."""
        self.home, self.lake, self.contract, self.set, self.service, self.now = home, lake, contract, entity_set, service, now

    def write(self, *, is_full: bool) -> tuple[list[str], int]:
        """Land every window that is due; returns files below landing/, and rows in them."""
        files, rows = [], 0
        for start, end in self._windows(is_full=is_full):
            frame = self._new(self._frame(start, end))
            if frame.height:
                files.append(self._land(frame, start))
                rows += frame.height
            mark = (S4, self.set.table, self.service.host, end, self.now, frame.height)
            marks = pl.DataFrame([mark], schema=WATERMARKS_SCHEMA, orient="row")
            self.lake.append_batch_once(WATERMARKS, marks, f"{S4}/{self.set.table}/{self.now.isoformat()}/{start}")
        return files, rows

    def _windows(self, *, is_full: bool) -> Iterator[tuple[date, date]]:
        """First and last day of each window, both included, up to today."""
        marks = self.lake.read(WATERMARKS).filter((pl.col("table_name") == self.set.table) & (pl.col("host") == self.service.host))
        last = None if is_full else marks["read_until"].max()
        start = last - timedelta(days=OVERLAP_DAYS) if isinstance(last, date) else self._first_day()
        today = self.now.date()
        while start <= today:
            end = min(start + timedelta(days=WINDOW_DAYS - 1), today)
            yield start, end
            start = end + timedelta(days=1)

    def _first_day(self) -> date:
        """The oldest day that the service has; today where it has none."""
        first = next(self.service.entities(self.set.entity, order=f"{self.set.day} asc", where=f"{self.set.day} ne null", top=1), None)
        text = (first or {}).get(self.set.day)
        return date.fromisoformat(text) if text else self.now.date()

    def _frame(self, start: date, end: date) -> pl.DataFrame:
        day, service = self.set.day, self.service
        where = f"{day} ge {service.day(start)} and {day} lt {service.day(end + timedelta(days=1))}"
        found = service.entities(self.set.entity, expand=self.set.expand, where=where, order=f"{day} asc")
        names = {column.name: column.source_name for column in self.contract.columns}
        ours = {"extracted_at": self.now.isoformat()}
        rows = [
            {name: ours.get(name, row.get(source or "")) for name, source in names.items()}
            for entity in found
            for row in self.set.rows(entity)
        ]
        return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String))

    def _new(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Rows of documents that the lake does not hold: a document never changes, and the overlap reads some again."""
        if not self.set.key or not self.lake.exists(f"bronze/{self.contract.table}"):
            return frame
        known = self.lake.read(f"bronze/{self.contract.table}", self.set.key).unique()
        return frame.join(known, on=list(self.set.key), how="anti", maintain_order="left")

    def _land(self, frame: pl.DataFrame, start: date) -> str:
        """Write the rows under a name that nobody takes, and rename it once they are on the disk."""
        name = f"{S4}/{self.set.table}_{self.now:%Y%m%dT%H%M%S}_{start:%Y%m%d}.csv"
        path = self.home.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.part")
        with unfinished.open("wb") as stream:
            frame.write_csv(stream)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.move(unfinished, path)
        return name
