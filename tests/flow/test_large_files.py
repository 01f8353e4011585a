"""Large IDoc files: stored by way of disk as small ones are stored at once, and whole or not at all."""

from __future__ import annotations

import os
import time
from datetime import datetime

import pytest
from polars.testing import assert_frame_equal

from pipelines import ingest as ingesting
from pipelines.contracts import source_contracts
from pipelines.home import Home
from pipelines.ingest import ingest
from pipelines.lake import Lake
from pipelines.sources import sap_documents
from pipelines.sources.idoc.writer import goods_movement, write_flat

ITEM = {"MATERIAL": "400558", "PLANT": "S101", "MOVE_TYPE": "101", "ENTRY_QNT": "1", "ENTRY_UOM": "EA"}
TABLES = ["bronze/sap/goods_movements", "quarantine", "manifest"]


def content() -> bytes:
    """Forty IDocs of two records; one of the thirty-fifth is refused."""
    serials = [[{"SERIALNO": f"A{at}"}, {"SERIALNO": f"B{at}", "MATDOC_ITM": "0009" if at == 35 else "0001"}] for at in range(40)]
    return write_flat(
        [goods_movement({"DOCNUM": f"{at:016d}"}, {"PSTNG_DATE": "20261103"}, "01", [(ITEM, s)]) for at, s in enumerate(serials)]
    )


@pytest.fixture
def parted(monkeypatch):
    """Makes every file of IDocs a large one, of parts of ten records."""
    monkeypatch.setattr(ingesting, "_LARGE_BYTES", 1)
    monkeypatch.setattr(sap_documents, "PART_RECORDS", 10)


def _land(home: Home, name: str, written: bytes) -> None:
    path = home.landing / name
    path.write_bytes(written)
    os.utime(path, (time.time() - 60, 1_700_000_000))


def _take(home: Home):
    return ingest(home, Lake(home.lake), source_contracts(), now=datetime(2026, 11, 3))


def test_a_large_file_is_stored_as_a_small_one_is(home, tmp_path, request):
    other = Home(tmp_path / "other").prepare()
    for each in (home, other):
        _land(each, "a.txt", content())
    small = _take(home)
    request.getfixturevalue("parted")
    assert _take(other) == small
    assert (small.records_in, small.records_accepted, small.records_quarantined) == (80, 79, 1)
    for table in TABLES:
        assert_frame_equal(Lake(other.lake).read(table), Lake(home.lake).read(table), check_row_order=False)
    acknowledged = [[path.read_bytes() for path in each.acknowledgements.iterdir()] for each in (home, other)]
    assert acknowledged[0] == acknowledged[1]


@pytest.mark.usefixtures("parted")
def test_a_large_file_that_breaks_off_leaves_nothing(home):
    _land(home, "a.txt", content() + b"?")
    result = _take(home)
    assert (result.files, result.appended, result.records_in) == ({"refused": 1}, {}, 1)
    assert Lake(home.lake).row_count("bronze/sap/goods_movements") == 0
    assert Lake(home.lake).read("quarantine")["reason_code"].to_list() == ["malformed_idoc"]
    assert (home.lake / "refused_files" / Lake(home.lake).read("manifest")["content_sha256"][0]).read_bytes() == content() + b"?"


@pytest.mark.usefixtures("parted")
def test_the_same_content_twice_is_taken_once(home):
    _land(home, "a.txt", content())
    _land(home, "b.txt", content())
    assert _take(home).files == {"loaded": 1, "duplicate": 1}
    assert _take(home).files == {}


@pytest.mark.usefixtures("parted")
def test_a_crash_before_the_manifest_doubles_nothing_and_leaves_no_folder(home, monkeypatch):
    _land(home, "a.txt", content())

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ingesting, "_manifest_row", crash)
        with pytest.raises(KeyboardInterrupt):
            _take(home)
    (home.root / ".reading-left").mkdir()
    result = _take(home)
    assert (result.files, result.appended) == ({"loaded": 1}, {"sap/goods_movements": 0})
    assert Lake(home.lake).row_count("bronze/sap/goods_movements") == 79
    assert list(home.root.glob(".reading-*")) == []
