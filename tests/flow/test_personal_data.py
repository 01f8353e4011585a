"""Personal data: names and addresses get into one table, card numbers into none, and neither is told by anything we write."""

from __future__ import annotations

import os
import time
from pathlib import Path

import polars as pl

from pipelines.home import Home
from tests.flow.conftest import must_run
from tests.unit.sources.conftest import document, idoc, xml

PERSONAL = "PERSONAL-MARKER"
CARD = "4000001234567899"
CUSTOMERS = f"""KUNNR,NAME1,STRAS,TELF1,LAND1,KTOKD
4711,{PERSONAL},{PERSONAL},{PERSONAL},DE,DEBI
4712,{PERSONAL},{PERSONAL},,DE,FAR-TOO-LONG
"""
SOLD = xml("E1WPB02", QUALARTNR="ARTN", ARTNR="400558", SERIENNR="S1", VORZEICHEN="-", MENGE="1.000")
PAID = xml("E1WPB06", VORZEICHEN="+", ZAHLART="CARD", SUMME="799.00", KARTENNR=CARD)


def _receipt(*segments: str) -> str:
    head = {"KASSID": "03", "VORGDATUM": "20261104", "VORGZEIT": "141522", "BONNUMMER": "B1", "CSHNAME": PERSONAL}
    return document(
        idoc(xml("E1WPB01", **head, segments=list(segments)), IDOCTYP="WPUBON01", MESTYP="WPUBON", SNDPRN="S101"), root="WPUBON01"
    )


FILES = {
    "sap/kna1_1.csv": CUSTOMERS,
    "sap/kna1_broken.csv": CUSTOMERS.replace("KUNNR", "CUSTOMER"),
    "pos/receipts.xml": _receipt(SOLD, PAID),
    "pos/unsigned.xml": _receipt(SOLD.replace(">-<", ">?<"), PAID),
    "pos/cut_off.xml": _receipt(SOLD, PAID)[:-12],
}


def _deliver(home: Home) -> None:
    for name, content in FILES.items():
        path = home.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, (time.time() - 60,) * 2)


def _tells(path: Path, word: str) -> bool:
    if path.suffix == ".parquet":
        return any(
            pl.read_parquet(path, hive_partitioning=False)[name].cast(pl.String).str.contains(word, literal=True).any()
            for name, dtype in pl.read_parquet_schema(path).items()
            if dtype == pl.String
        )
    return word.encode() in path.read_bytes()


def test_names_are_in_one_table_and_card_numbers_in_none(home):
    _deliver(home)
    must_run(home)
    written = [path for path in home.root.rglob("*") if path.is_file() and home.landing not in path.parents]
    assert {path.relative_to(home.lake).parts[:3] for path in written if path.suffix == ".parquet" and _tells(path, PERSONAL)} == {
        ("bronze", "sap", "kna1")
    }
    told = [path for path in written if path.suffix != ".parquet" and (_tells(path, PERSONAL) or _tells(path, CARD))]
    # What is refused whole is kept for whoever has to mend it, without its cards.
    refused = home.lake / "refused_files"
    assert {path.parent for path in told if not _is_statistic_of(home, path)} == {refused}
    assert not any(_tells(path, CARD) for path in written)


def _is_statistic_of(home: Home, path: Path) -> bool:
    """Whether the file is the log of that one table, which holds its smallest and greatest values."""
    return home.lake / "bronze" / "sap" / "kna1" in path.parents
