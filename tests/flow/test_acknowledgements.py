"""What the sender of an IDoc is told: accepted, or what was refused and why, once per load."""

from __future__ import annotations

import os
import time
from datetime import datetime
from pathlib import Path

import pytest
from lxml import etree

from pipelines import ingest as ingesting
from pipelines.contracts import source_contracts
from pipelines.ingest import ingest
from pipelines.lake import Lake
from pipelines.landing import content_sha256

GOLDEN = Path(__file__).resolve().parents[1] / "unit" / "sources" / "golden"
DELIVERY = (GOLDEN / "DELVRY07_DESADV_serials.txt").read_bytes().decode()


@pytest.fixture
def land(home):
    def land(name: str, content: str) -> None:
        path = home.landing / name
        path.write_bytes(content.encode())
        moment = time.time() - 60
        os.utime(path, (moment, moment))

    return land


@pytest.fixture
def take(home):
    def take() -> None:
        ingest(home, Lake(home.lake), source_contracts(), now=datetime(2026, 11, 3))

    return take


def told(home) -> list[list[dict]]:
    """States by file, each by its fields."""
    files = [etree.parse(str(path)) for path in sorted(home.acknowledgements.glob("*.xml"))]
    return [[{field.tag: field.text for field in state} for state in file.iter("E1STATE")] for file in files]


def test_each_idoc_is_accepted_or_refused_with_segment_field_and_reason(home, land, take):
    wrong = DELIVERY.replace("0000000000000901", "0000000000000902").replace("2.000          EA", "2,0.0          EA", 1)
    land("a.txt", DELIVERY + wrong)
    take()
    refused = {
        "DOCNUM": "0000000000000902",
        "STATUS": "51",
        "STATYP": "E",
        "STATXT": "Refused: bad number",
        "STAPA1": "bad_number",
        "STAPA2": "E1EDL24[1]",
        "STAPA3": "line 22",
        "STAPA4": "2 records refused",
        "SEGFLD": "LFIMG",
    }
    assert told(home) == [[{"DOCNUM": "0000000000000901", "STATUS": "53", "STATYP": "S", "STATXT": "Accepted"}, refused, refused]]


def test_skipped_segments_unknown_types_and_broken_files_are_told(home, land, take):
    lines = DELIVERY.splitlines()
    land("a.txt", "\n".join([*lines[:2], f"{'Z2COLOUR001':63}RED"]))
    land("b.txt", DELIVERY.replace("DELVRY07", "INVOIC02"))
    land("c.txt", DELIVERY + "?")
    take()
    states = sorted((state for (state,) in told(home)), key=lambda state: state["STATXT"])
    assert [(state.get("DOCNUM"), state["STATUS"], state["STATXT"], state.get("STAPA2"), state.get("STAPA3")) for state in states] == [
        ("0000000000000901", "53", "Accepted, without Z1COLOUR", None, None),
        (None, "51", "Refused: malformed idoc", None, "line 15"),
        ("0000000000000901", "51", "Refused: unknown idoc type", "IDOC[1]", "line 1"),
    ]


def test_no_value_of_a_record_is_told(home, land, take):
    land("a.txt", DELIVERY.replace("2.000          EA", "Jane Doe       EA", 1))
    take()
    (file,) = home.acknowledgements.glob("*.xml")
    assert [word for word in ("Jane", "Store 101", "Austin", "3SER") if word in file.read_text()] == []
    assert "bad_number" in file.read_text()


def test_only_idocs_are_acknowledged_and_each_content_once(home, land, take):
    land("a.txt", DELIVERY)
    (home.landing / "handheld").mkdir()
    land("handheld/scans_1.jsonl", "{}")
    take()
    land("b.txt", DELIVERY)
    take()
    assert len(told(home)) == 1


def test_a_load_that_is_read_again_after_a_crash_is_acknowledged_once(home, land, take, monkeypatch):
    land("a.txt", DELIVERY)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ingesting, "_manifest_row", crash)
    with pytest.raises(KeyboardInterrupt):
        take()
    monkeypatch.undo()
    (before,) = home.acknowledgements.glob("*")
    seen = (before.name, before.read_bytes(), before.stat().st_ino)
    take()
    (after,) = home.acknowledgements.glob("*")
    assert (after.name, after.read_bytes(), after.stat().st_ino) == seen
    assert Lake(home.lake).row_count("bronze/sap/deliveries") == 3


def test_what_a_crash_left_half_written_is_written_anew(home, land, take):
    land("a.txt", DELIVERY)
    home.acknowledgements.mkdir(parents=True)
    load_id = content_sha256(home.landing / "a.txt")
    (home.acknowledgements / f"{load_id}.part").write_text("<ALEAUD01>")
    take()
    assert [path.name for path in home.acknowledgements.iterdir()] == [f"{load_id}.xml"]
    assert told(home)[0][0]["STATUS"] == "53"


def test_characters_that_xml_cannot_hold_stop_nothing(home, land, take):
    land("a.txt", DELIVERY.replace("0000000000000901", "00000000000009\x01\x02"))
    take()
    assert told(home)[0][0]["DOCNUM"] == "00000000000009??"
