"""IDoc files read in parts: together the parts hold what the file holds, and a file that breaks off holds nothing."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.sources import extract_all, read_in_parts
from pipelines.sources.idoc.writer import goods_movement, write_flat, write_xml

TABLE = "sap/goods_movements"
ITEM = {"MATERIAL": "400558", "PLANT": "S101", "MOVE_TYPE": "101", "ENTRY_QNT": "1", "ENTRY_UOM": "EA"}


def _movement(number: int):
    """Three records, the second of them refused in every fifth IDoc."""
    wrong = {"SERIALNO": "S" * 18, "UII": ""} if number % 5 else {"SERIALNO": "S", "MATDOC_ITM": "0009"}
    serials = [{"SERIALNO": f"A{number}"}, wrong, {"SERIALNO": f"B{number}"}]
    return goods_movement({"DOCNUM": f"{number:016d}"}, {"PSTNG_DATE": "20261103"}, "01", [(ITEM, serials)])


@pytest.fixture(params=[write_flat, write_xml])
def file(request, tmp_path):
    path = tmp_path / "any.txt"
    path.write_bytes(request.param([_movement(number) for number in range(1, 31)]))
    return path


def test_parts_hold_together_what_the_file_holds(file, contracts):
    (whole, parts) = extract_all([(file, "any.xml")], contracts=contracts), list(read_in_parts(file, contracts, part_records=7))
    assert [part.files[0].records_in for part in parts] == [9] * 10 + [0]
    assert sum(part.files[0].records_quarantined for part in parts) == whole.files[0].records_quarantined == 6
    assert_frame_equal(pl.concat([part.accepted[TABLE] for part in parts if part.accepted]), whole.accepted[TABLE])
    assert_frame_equal(pl.concat([part.quarantined for part in parts]), whole.quarantined)
    assert_frame_equal(pl.concat([part.states for part in parts]), whole.states)


def test_a_refused_record_of_a_late_part_shows_its_own_segments(file, contracts):
    *_, last, _ = read_in_parts(file, contracts, part_records=7)
    assert "<SERIALNO>S</SERIALNO>" in last.quarantined["raw_record"][0]


def test_the_last_part_of_a_file_that_breaks_off_refuses_it_whole(file, contracts):
    with file.open("ab") as stream:
        stream.write(b"<?")
    *before, last = read_in_parts(file, contracts, part_records=7)
    assert (len(before) >= 9, any(part.files[0].refused_whole for part in before)) == (True, False)
    assert (last.files[0].refused_whole, last.files[0].records_in, last.accepted) == (True, 1, {})
