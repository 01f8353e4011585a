"""The life of a case: proposed once, approved or rejected by a person, posted by the ERP, or ended otherwise."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from pipelines.sweeper import log
from tests.unit.sweeper.support import CASE, as_posted, case_of, case_unit, decided, files_below, published, read_back, swept


def test_a_missing_unit_is_received_in_the_books_and_pushed_back(home):
    lake = published(home, case_unit("356001"), case_unit("356002"))
    result = swept(home, lake)
    assert result.states == {"proposed": 1}
    (file,) = (home.root / "outbox/sweeper/proposed").glob("20260320_S101_*.xml")
    lines = read_back(file).select("move_type", "plant", "move_plant", "deliv_numb_to_search", "ref_doc_no", "serialno", "entry_qnt")
    assert lines.rows() == [
        ("101", "S101", None, "0080000001", CASE, "000000000000356001", 2),
        ("101", "S101", None, "0080000001", CASE, "000000000000356002", 2),
        ("301", "S101", "DC01", None, CASE, "000000000000356001", 2),
        ("301", "S101", "DC01", None, CASE, "000000000000356002", 2),
    ]
    case = case_of(home)
    assert (case["units_outstanding"], case["proposal_file"]) == (2, f"proposed/{file.name}")
    assert "2 units of delivery 80000001 from DC01 did not come to S101" in case["reason"]


def test_a_case_is_proposed_approved_and_posted(home):
    lake = published(home, case_unit())
    swept(home, lake)
    decided(lake, CASE, "approve", date(2026, 3, 20))
    assert swept(home, lake).outcomes == {"taken": 1}
    assert case_of(home)["state_code"] == "approved"
    (file,) = (home.root / "outbox/sweeper/approved").glob("*.xml")
    first_half = [row for row in as_posted(file) if row["movement_type"] == "101"]
    published(home, case_unit(), movements=first_half)
    swept(home, lake)
    assert case_of(home)["state_code"] == "approved", "only the receipt has come"
    # The receipt ends the discrepancy in the ledger; the case has ended when the transfer back has come, too.
    published(home, case_unit(resolved_at=datetime(2026, 3, 20), resolved_document_id=CASE), movements=as_posted(file))
    swept(home, lake)
    case = case_of(home)
    assert (case["state_code"], case["ended_by"], case["units_outstanding"]) == ("posted", CASE, 0)
    assert case["ended_date"] == date(2026, 3, 20)


def test_a_rejected_case_stays_rejected(home):
    lake = published(home, case_unit())
    swept(home, lake)
    decided(lake, CASE, "reject", date(2026, 3, 20))
    swept(home, lake)
    published(home, case_unit(resolved_at=datetime(2026, 3, 22), resolved_document_id="C1"))
    swept(home, lake)
    assert case_of(home)["state_code"] == "rejected"
    assert [name for name in files_below(home) if name.startswith("approved/")] == []


def test_what_ends_by_itself_is_closed_and_never_proposed(home):
    lake = published(home, case_unit(resolved_at=datetime(2026, 3, 18), resolved_document_id="CS101", resolved_movement_type="701"))
    swept(home, lake)
    case = case_of(home)
    assert (case["state_code"], case["ended_by"], case["ended_date"]) == ("closed", "CS101", date(2026, 3, 18))
    assert files_below(home) == {}


def test_a_second_sweep_writes_nothing_new(home):
    lake = published(home, case_unit(), case_unit("356009", case="SW00000000000A", action_code="claim", kind_code="not_received"))
    swept(home, lake)
    before = files_below(home)
    again = swept(home, lake)
    assert (again.files, again.proposed_twice) == ((), ())
    assert files_below(home) == before
    # A file that was fetched away is not put back: the ERP would get it twice.
    for name in before:
        (home.root / "outbox/sweeper" / name).unlink()
    swept(home, lake)
    assert files_below(home) == {}


def test_a_sweep_killed_before_its_files_is_made_whole_with_the_same_bytes(home, tmp_path, monkeypatch):
    other = type(home)(tmp_path / "other").prepare()
    swept(other, published(other, case_unit()))
    lake = published(home, case_unit())
    with monkeypatch.context() as patch:
        patch.setattr(log, "_write", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            swept(home, lake)
    assert files_below(home) == {}
    swept(home, lake)
    assert files_below(home) == files_below(other) != {}


def test_an_accepted_surplus_of_a_vendor_ends_with_the_decision(home):
    vendor = {"kind_code": "over", "role_code": "surplus", "action_code": "accept_over", "lane_kind": "vendor", "origin_id": "100011"}
    lake = published(home, case_unit(**vendor))
    swept(home, lake)
    decided(lake, CASE, "approve", date(2026, 3, 21))
    swept(home, lake)
    case = case_of(home)
    assert (case["state_code"], case["ended_by"], case["ended_date"]) == ("closed", "decision", date(2026, 3, 21))


def test_a_proposed_case_that_newer_documents_do_not_show_stays_closed(home):
    lake = published(home, case_unit())
    swept(home, lake)
    published(home, case_unit("356777", case="SW00000000000B"))
    swept(home, lake)
    case = case_of(home)
    assert (case["state_code"], case["units_concerned"]) == ("closed", 1)
    assert case["reason"].endswith("Newer documents do not show it any more.")


def test_a_unit_in_an_open_proposal_is_not_proposed_under_another_name(home):
    lake = published(home, case_unit())
    swept(home, lake)
    published(home, case_unit(case="SW00000000000C", kind_code="wrong_article"))
    swept(home, lake)
    assert case_of(home, "SW00000000000C")["state_code"] == "open"
    assert len(files_below(home)) == 2


def test_only_what_is_still_outstanding_is_approved(home):
    lake = published(home, case_unit("356001"), case_unit("356002"))
    swept(home, lake)
    decided(lake, CASE, "approve", date(2026, 3, 20))
    published(home, case_unit("356001", resolved_at=datetime(2026, 3, 20), resolved_document_id="RC1"), case_unit("356002"))
    swept(home, lake)
    (file,) = (home.root / "outbox/sweeper/approved").glob("*.xml")
    assert read_back(file)["serialno"].unique().to_list() == ["000000000000356002"]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"kind_code": "placement_missing", "action_code": "receive_late", "lane_kind": "transfer", "purchase_order_id": None},
         ("305", "S101", None, CASE, date(2026, 3, 20))),
        ({"kind_code": "receipt_not_posted", "role_code": "scanned", "action_code": "receive_late", "document_id": "RC00000012",
          "scanned_date": date(2026, 3, 13)},
         ("101", "S101", None, "RC00000012", date(2026, 3, 13))),
        ({"kind_code": "over", "role_code": "surplus", "action_code": "post_issue"}, ("351", "DC01", "S101", CASE, date(2026, 3, 10))),
        ({"kind_code": "provision_missing", "role_code": "provided", "action_code": "provide_to_vendor", "vendor_id": "200011"},
         ("541", "DC01", None, CASE, date(2026, 3, 20))),
        ({"action_code": "receive_late", "seen_site_id": "S101"}, ("101", "S101", None, CASE, date(2026, 3, 11))),
    ],
)  # fmt: skip
def test_each_action_has_its_movement(home, more, expected):
    lake = published(home, case_unit(**more))
    swept(home, lake)
    (file,) = (home.root / "outbox/sweeper/proposed").glob("*.xml")
    lines = read_back(file)
    assert lines.select("move_type", "plant", "move_plant", "ref_doc_no", "pstng_date").rows() == [expected]


def test_what_no_idoc_can_name_is_listed_and_stops_no_other_case(home):
    # Deliveries of other systems than SAP may have longer numbers.
    longer = case_unit("356002", case="SWFFFFFFFFFFFF", document_id="SHIPMENT-00001", delivery_id="SHIPMENT-00001")
    lake = published(home, case_unit(), longer)
    swept(home, lake)
    files = files_below(home)
    listed = next(content for name, content in files.items() if name.endswith(".csv")).decode()
    posted = next(content for name, content in files.items() if name.endswith(".xml")).decode()
    assert "SWFFFFFFFFFFFF" in listed
    assert ("356001" in posted, "356002" in posted) == (True, False)
    assert case_of(home, "SWFFFFFFFFFFFF")["state_code"] == "proposed"
