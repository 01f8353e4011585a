"""Files read together: each keeps exactly what it holds when it is read alone."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.sources import Extracted, extract, extract_all

GOODS, RECEIPTS = "sap/goods_movements", "pos/receipts"


def _files(idocs) -> dict[str, str]:
    good = idocs.movement(idocs.item(), idocs.serial("S1"))
    faulty = idocs.movement(idocs.item(ENTRY_QNT="many"), idocs.item(), idocs.serial("S2", "0009"), head={"REF_DOC_NO": "x" * 17})
    sale = idocs.xml("E1WPB02", QUALARTNR="ARTN", ARTNR="1", SERIENNR="S3", VORZEICHEN="-", MENGE="1")
    odd = idocs.xml("E1WPB02", QUALARTNR="ARTN", ARTNR="1", VORZEICHEN="0", MENGE="1")
    receipt = idocs.xml("E1WPB01", VORGDATUM="20261104", BONNUMMER="B1", segments=[sale, odd])
    till = idocs.idoc(receipt, IDOCTYP="WPUBON01", MESTYP="WPUBON", SNDPRN="S101")
    unknown = idocs.idoc(idocs.xml("E1EDK01", CURCY="USD"), IDOCTYP="INVOIC02")
    whole = idocs.document(good, faulty, unknown, till)
    return {
        "sap/idoc/a.xml": idocs.document(good, faulty),
        "sap/idoc/b.xml": whole[: whole.index("E1WPB02")],
        "sap/idoc/c.xml": whole,
        "sap/idoc/d.xml": "<MBGMCR03/>",
        "handheld/scans_1.jsonl": '{"scan_id":"1"}\n',
        "sap/idoc/e.xml": idocs.document(till, faulty, faulty),
        "sap/idoc/f.xml": "",
        "sap/idoc/g.xml": idocs.document(good),
    }


@pytest.fixture
def jobs(tmp_path, idocs) -> list[tuple[Path, str]]:
    jobs = [(tmp_path / name, name) for name in _files(idocs)]
    for (path, _), content in zip(jobs, _files(idocs).values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return jobs


def _assert_same(one: Extracted, other: Extracted) -> None:
    assert (one.records_in, one.refused_whole, sorted(one.accepted)) == (other.records_in, other.refused_whole, sorted(other.accepted))
    assert_frame_equal(one.quarantined, other.quarantined)
    for table, frame in one.accepted.items():
        assert_frame_equal(frame, other.accepted[table])


def test_a_file_holds_together_with_others_what_it_holds_alone(jobs, contracts, check):
    together = extract_all(jobs, contracts=contracts)
    for at, (path, name) in enumerate(jobs):
        alone = extract(path, name, contracts=contracts)
        _assert_same(check(together.file(at), contracts), alone)
        assert together.files[at].records_accepted == alone.records_accepted
        assert together.files[at].records_quarantined == alone.quarantined.height


def test_the_files_here_are_of_every_kind(jobs, contracts):
    files = extract_all(jobs, contracts=contracts).files
    assert [(file.records_in, file.records_accepted, file.refused_whole) for file in files] == [
        (4, 1, False),
        (1, 0, True),
        (7, 2, False),
        (1, 0, True),
        (1, 0, False),
        (8, 1, False),
        (1, 0, True),
        (1, 1, False),
    ]
    assert [file.tables for file in files] == [(GOODS,), (), (RECEIPTS, GOODS), (), ("handheld/scans",), (RECEIPTS,), (), (GOODS,)]


def test_a_file_that_breaks_off_leaves_nothing_in_what_is_read_with_it(jobs, contracts):
    together = extract_all(jobs, contracts=contracts)
    broken = pl.col("_file_at") == 1
    assert [frame.filter(broken).height for frame in together.accepted.values()] == [0, 0, 0]
    assert together.quarantined.filter(broken)["reason_code"].to_list() == ["malformed_xml"]


def test_no_files_hold_nothing(contracts):
    together = extract_all([], contracts=contracts)
    assert (together.accepted, together.quarantined.height, together.files) == ({}, 0, ())
