"""Events of partners: from the delivered document to the unit's history, in any order, and withdrawn again."""

import json
import os
import time
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest

from pipelines.warehouse import query
from tests.flow.conftest import must_run, prepared
from tests.flow.support import assert_same_content, published_content

SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "data" / "epcis" / "EPCIS-JSON-Schema.json"
CONTEXT = ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"]
DC, STORE, MAKER = "9521321000018", "9521321000025", "9521321999992"
GTIN = "09521141123454"
URN, LINK = "urn:epc:id:sgtin:9521141.012345.S1", f"https://id.gs1.org/01/{GTIN}/21/S1"
ARTICLES = f"MATNR,MTART,MEINS,EAN11\n000000000000400558,HAWA,EA,{GTIN.lstrip('0')}\n"
SITES = f"WERKS,NAME1,VLFKZ,GLN\nDC01,Centre,B,{DC}\nS101,Store,A,{STORE}\n"


def event(step, disposition, at, place, unit=LINK, **other):
    return {
        "type": "ObjectEvent",
        "eventTime": f"2026-03-{at}:00Z",
        "eventTimeZoneOffset": "+00:00",
        "epcList": [unit],
        "action": "OBSERVE",
        "bizStep": step,
        "disposition": disposition,
        "readPoint": {"id": f"https://id.gs1.org/414/{place}"},
        **other,
    }


def document(*events):
    body = {"eventList": list(events)}
    head = {"@context": CONTEXT, "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-03-09T00:00:00Z"}
    return json.dumps({**head, "epcisBody": body}, indent=1)


RECEIVED = event("receiving", "in_progress", "02T08:00", DC, URN)
SHIPPED = event(
    "shipping",
    "in_transit",
    "03T09:00",
    DC,
    destinationList=[{"type": "location", "destination": f"https://id.gs1.org/414/{STORE}"}],
    bizTransactionList=[{"type": "desadv", "bizTransaction": f"urn:epcglobal:cbv:bt:{DC}:0080001234"}],
)
ARRIVED = event("receiving", "in_progress", "04T10:00", STORE)
WRONG = event("destroying", "destroyed", "05T10:00", STORE, eventID="urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8")
WITHDRAWN = {**WRONG, "errorDeclaration": {"declarationTime": "2026-03-06T00:00:00Z", "reason": "did_not_occur"}}
SOLD = event("retail_selling", "retail_sold", "07T11:00", STORE)
OF_THE_MAKER = event("commissioning", "active", "01T07:00", MAKER, URN)
OF_ANOTHER_ARTICLE = event("receiving", "in_progress", "02T08:00", DC, "urn:epc:id:sgtin:9521141.099999.S1")
FILES = {
    "sap/mara_1.csv": ARTICLES,
    "sap/t001w_1.csv": SITES,
    "epcis/1.json": document(OF_THE_MAKER, RECEIVED, OF_ANOTHER_ARTICLE),
    "epcis/2.json": document(SHIPPED, ARRIVED),
    "epcis/3.json": document(WRONG),
    "epcis/4.json": document(WITHDRAWN, SOLD),
}


def deliver(home, *names):
    for name in names:
        path = home.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FILES[name])
        os.utime(path, (time.time() - 60,) * 2)


def history(home):
    return query(
        home.published,
        "select movement_type, moved_at, to_site_id, unit_state, delivery_id from serial_movements order by sequence_number",
    ).rows()


HISTORY = [
    ("101", datetime(2026, 3, 2, 8), "DC01", "in_stock", None),
    ("641", datetime(2026, 3, 3, 9), "S101", "in_transit", "80001234"),
    ("101", datetime(2026, 3, 4, 10), "S101", "in_stock", None),
    ("251", datetime(2026, 3, 7, 11), None, "with_customer", None),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A home that has taken all documents in at once."""
    with pytest.MonkeyPatch.context() as patch:
        home = prepared(tmp_path_factory.mktemp("epcis") / "home", patch)
        deliver(home, *FILES)
        must_run(home, "facts")
    return home


@pytest.fixture
def one_night(built, monkeypatch):
    """That home as the one that commands work in; no test changes it."""
    return prepared(built.root, monkeypatch)


@pytest.mark.slow
def test_events_become_the_history_of_a_unit_and_what_does_not_stays_visible(one_night):
    assert history(one_night) == HISTORY
    events = query(one_night.published, "select business_step, ledger_code from epcis_events order by happened_at, unit_id, ledger_code")
    assert events.rows() == [
        ("commissioning", "unknown_site"),
        ("receiving", "moved"),
        ("receiving", "unknown_article"),
        ("shipping", "moved"),
        ("receiving", "moved"),
        ("destroying", "error_declaration"),
        ("destroying", "withdrawn"),
        ("retail_selling", "moved"),
    ]
    assert query(one_night.published, "select count(*) from quarantine").item() == 0


@pytest.mark.slow
def test_the_order_in_which_documents_and_master_data_come_plays_no_part(one_night, tmp_path, monkeypatch):
    at_once = published_content(one_night)
    other = prepared(tmp_path / "other", monkeypatch)
    for night in (("epcis/4.json", "epcis/2.json"), ("epcis/3.json", "sap/t001w_1.csv"), ("epcis/1.json", "sap/mara_1.csv")):
        deliver(other, *night)
        must_run(other, "facts")
    assert history(other) == HISTORY
    # A record that master data make readable later stands in the evidence once more, since then it says more.
    assert_same_content(at_once, published_content(other), but=("load_manifest", "contract_results", "model_cards", "serial_records"))


@pytest.mark.slow
def test_an_event_is_withdrawn_in_a_later_night(home):
    deliver(home, "sap/mara_1.csv", "sap/t001w_1.csv", "epcis/1.json", "epcis/2.json", "epcis/3.json")
    must_run(home, "facts")
    assert history(home)[-1] == ("551", datetime(2026, 3, 5, 10), None, "scrapped", None)
    deliver(home, "epcis/4.json")
    must_run(home, "facts")
    assert history(home) == HISTORY


@pytest.mark.slow
def test_what_is_written_for_partners_is_valid_and_tells_the_same_history_elsewhere(one_night, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from pipelines.cli import app

    written = tmp_path / "history.jsonld"
    assert CliRunner().invoke(app, ["epcis", "--serial", "S1", "--out", str(written)]).exit_code == 0
    whole = json.loads(written.read_text())
    told = [(event["bizStep"], event["disposition"], event["eventTime"], event["epcList"]) for event in whole["epcisBody"]["eventList"]]
    assert told == [
        ("receiving", "in_progress", "2026-03-02T08:00:00.000Z", [LINK]),
        ("shipping", "in_transit", "2026-03-03T09:00:00.000Z", [LINK]),
        ("receiving", "in_progress", "2026-03-04T10:00:00.000Z", [LINK]),
        ("retail_selling", "retail_sold", "2026-03-07T11:00:00.000Z", [LINK]),
    ]
    if SCHEMA.exists():
        jsonschema.validate(whole, json.loads(SCHEMA.read_text()))
    again = tmp_path / "again.jsonld"
    assert CliRunner().invoke(app, ["epcis", "--where", "serial_number = 'S1'", "--out", str(again)]).exit_code == 0
    assert json.loads(again.read_text())["epcisBody"] == whole["epcisBody"]

    partner = prepared(tmp_path / "partner", monkeypatch)
    deliver(partner, "sap/mara_1.csv", "sap/t001w_1.csv")
    (partner.landing / "partner.jsonld").write_text(written.read_text())
    os.utime(partner.landing / "partner.jsonld", (time.time() - 60,) * 2)
    must_run(partner, "facts")
    assert query(partner.published, "select count(*) from quarantine").item() == 0
    assert history(partner) == HISTORY


def test_a_question_without_an_answer_is_told_and_writes_nothing(one_night, tmp_path):
    from typer.testing import CliRunner

    from pipelines.cli import app

    written = tmp_path / "history.jsonld"
    for arguments, told in (
        ([], "Which movements?"),
        (["--serial", "S9"], "No movement fits"),
        (["--where", "serial ="], "Parser Error"),
    ):
        result = CliRunner().invoke(app, ["epcis", *arguments, "--out", str(written)])
        assert result.exit_code == 1
        assert told in result.output
    assert not written.exists()
