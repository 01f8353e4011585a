"""Requests of recalls: names, and what a manufacturer's notice means."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.recall.condition import RecallError, columns_named
from pipelines.recall.requests import requested, requested_by_notice
from tests.unit.recall.support import deliver, publish, recalled, unit


def notice(**more) -> dict:
    return {"notice_number": "RN1", "issued_on": date(2026, 3, 1), "manufacturer": "M", "article": "A1", "reason": "May burn", **more}


def found(home, *rows: dict, serials: tuple[str, ...], **more) -> list[str]:
    """Serial numbers that the notice recalls among these, of article A1."""
    lake = publish(home, serials=[unit(serial, "in_stock", site_id="S101", **more) for serial in serials])
    deliver(lake, "quality/recall_notices", *rows)
    request = requested_by_notice(lake, "RN1")
    assert columns_named(request.condition)
    return recalled(home, lake, request.condition).units["serial_number"].to_list()


def test_a_range_of_equal_lengths_leaves_longer_numbers_out(home):
    serials = ("VX099", "VX100", "VX150", "VX1500", "VX200", "VX201", "VY150")
    assert found(home, notice(serial_from="VX100", serial_to="VX200"), serials=serials) == ["VX100", "VX150", "VX200"]


def test_a_range_of_different_lengths_counts_as_numbers(home):
    serials = ("8", "9", "10", "12", "13", "100", "X10")
    assert found(home, notice(serial_from="0009", serial_to="12"), serials=serials) == ["10", "12", "9"]


def test_one_serial_number_is_a_range_of_one(home):
    assert found(home, notice(serial_from="B7"), serials=("B7", "B70")) == ["B7"]


def test_several_rows_of_a_notice_add_up_and_a_row_sent_again_counts_once(home):
    rows = [notice(serial_from="B1", serial_to="B2"), notice(serial_from="B1", serial_to="B3"), notice(serial_from="B7", serial_to="B7")]
    assert found(home, *rows, serials=("B1", "B2", "B3", "B4", "B7")) == ["B1", "B2", "B3", "B7"]


def test_without_a_range_the_batch_is_recalled(home):
    assert found(home, notice(production_batch="L77"), serials=("B1", "B2"), batch_id="L77") == ["B1", "B2"]


def test_without_range_and_batch_the_article_is_recalled(home):
    assert found(home, notice(article="a1"), serials=("B1", "B2")) == ["B1", "B2"]


def test_an_unknown_notice_is_answered_with_those_there_are(home):
    lake = publish(home)
    with pytest.raises(RecallError, match="there is none; they are delivered as"):
        requested_by_notice(lake, "RN9")
    deliver(lake, "quality/recall_notices", notice())
    with pytest.raises(RecallError, match="No recall notice is numbered RN9; there is RN1"):
        requested_by_notice(lake, "RN9")


@pytest.mark.parametrize("name", ["../up", ".hidden", "a/b", "a b", "", "x" * 65, "a\x00"])
def test_a_name_that_is_no_folder_name_is_refused(name):
    with pytest.raises(RecallError, match="cannot name a folder"):
        requested("true", name=name or " ")


def test_a_recall_without_a_name_is_called_after_its_condition():
    assert requested("article_id = 'A1' ").name == requested("article_id = 'A1'").name != requested("article_id = 'A2'").name


def test_a_quote_in_a_notice_stays_a_text(home):
    lake = publish(home)
    deliver(lake, "quality/recall_notices", notice(article="A'1; drop table x"))
    assert requested_by_notice(lake, "RN1").condition == "(article_id = 'A''1; DROP TABLE X')"


def test_a_file_of_serial_numbers_is_a_condition_alone_or_beside_another(home, tmp_path):
    path = tmp_path / "serials.txt"
    path.write_text("\ufeffb2\n\n 0007 \nB1\nB1\n", encoding="utf-8")
    alone, beside = requested(None, serials=path), requested("site_id = 'S101' or true -- all", serials=path)
    assert alone.condition == "serial_number in ('7', 'B1', 'B2')"
    assert columns_named(beside.condition) == {"serial_number", "site_id"}
    lake = publish(home, serials=[unit(serial, "in_stock", site_id="S101") for serial in ("7", "B1", "B3")])
    assert recalled(home, lake, beside.condition).units["serial_number"].to_list() == ["7", "B1"]


@pytest.mark.parametrize(
    ("content", "told"), [(b" \n\n", "lists no serial number"), (b"\xff\xfe\x00", "cannot be read"), (None, "cannot be read")]
)
def test_a_file_without_serial_numbers_is_refused(tmp_path, content, told):
    path = tmp_path / "serials.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecallError, match=told):
        requested(None, serials=path)


def test_what_is_joined_to_a_list_cannot_widen_it(tmp_path):
    path = tmp_path / "serials.txt"
    path.write_text("B1\n")
    with pytest.raises(RecallError, match="no SQL"):
        requested("true) or (true", serials=path)
