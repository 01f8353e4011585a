"""A real OData server with S/4HANA's entities: material documents and profiles, page by page, once each, in either version."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import polars as pl
import pytest
from urllib3.util import Retry

from pipelines.contracts import source_contracts
from pipelines.lake import Lake
from pipelines.live import LiveError, extract_s4
from pipelines.live.odata import ODataService
from pipelines.live.s4 import S4Address
from pipelines.warehouse import query
from tests.flow.conftest import must_run, prepared
from tests.s4.server import DOCUMENTS, PRODUCTS, SECRET, USER, s4_server
from tests.unit.sources.conftest import document, item, movement, serial

pytestmark = pytest.mark.slow

NOW = datetime(2026, 5, 20, 12)


@pytest.fixture(scope="module")
def running():
    yield from s4_server()


@pytest.fixture
def server(running):
    running.clear()
    return running


def posting(number: int, day: str, kind: str, *serials: str, plant="DC01", reference="", **other) -> dict:
    """A material document of one item; a transfer has the line that it makes by itself."""
    key = {"Material": "400558", "GoodsMovementType": kind, "StorageLocation": "0001", "InventoryStockType": "01"}
    units = [{"Material": "400558", "SerialNumber": name} for name in serials]
    items = [{"MaterialDocumentItem": "0001", "Plant": plant, **key, **other, "to_SerialNumbers": units}]
    if kind == "301":
        target = {"Plant": other["IssuingOrReceivingPlant"], "IssuingOrReceivingPlant": plant, "IsAutomaticallyCreated": "X"}
        items.append({"MaterialDocumentItem": "0002", **key, **target, "to_SerialNumbers": units})
    head = {"MaterialDocumentYear": "2026", "MaterialDocument": f"{4_900_000_000 + number}", "ReferenceDocument": reference}
    return {**head, "CreationDate": day, "CreationTime": f"08:0{number % 10}:00", "PostingDate": day, "to_MaterialDocumentItem": items}


YEAR = [
    posting(1, "2026-03-02", "101", "S1", "S2", reference="ASN-778812"),
    posting(2, "2026-03-03", "301", "S1", IssuingOrReceivingPlant="S101"),
    posting(3, "2026-04-20", "251", "S1", plant="S101"),
    posting(4, "2026-05-20", "101", "S3"),
    posting(5, "2026-05-20", "101"),
]
HISTORY = [("S1", "101", "DC01"), ("S1", "301", "S101"), ("S1", "251", None), ("S2", "101", "DC01"), ("S3", "101", "DC01")]


def read(home, server, *, version=4, now=NOW, password=SECRET, **options):
    address = S4Address(server.address(version), (USER, password))
    return extract_s4(home, Lake(home.lake), source_contracts(), address=address, now=now, **options)


def settle(home) -> None:
    for path in home.landing.rglob("*.csv"):
        os.utime(path, (time.time() - 60,) * 2)


def history(home) -> list[tuple]:
    sql = "select serial_number, movement_type, to_site_id from serial_movements order by serial_number, sequence_number"
    return query(home.published, sql).rows()


def landed(home) -> pl.DataFrame:
    files = sorted((home.landing / "s4").glob("material_documents*.csv"))
    return pl.concat(pl.read_csv(path, infer_schema=False) for path in files).drop("extracted_at")


def test_documents_are_read_page_by_page_once_each_and_become_history(home, server):
    for entity in YEAR[:3]:
        server.create(DOCUMENTS, entity)
    server.create(
        PRODUCTS, {"Product": "400558", "LastChangeDate": "2026-03-01", "to_Plant": [{"Plant": "DC01", "SerialNumberProfile": "0003"}]}
    )
    first = read(home, server)
    assert first.changed == {"material_documents": 5, "product_plants": 1}
    settle(home)
    must_run(home, "facts")
    assert query(home.published, "select serial_number_profile_code from articles where article_id = '400558'").item() == "0003"
    for entity in YEAR[3:]:
        server.create(DOCUMENTS, entity)
    # The last day is read again, and nothing that the lake holds is written again.
    assert read(home, server, now=NOW + timedelta(hours=1)).changed["material_documents"] == 2
    settle(home)
    must_run(home, "facts")
    assert history(home) == HISTORY
    assert read(home, server, now=NOW + timedelta(hours=2)).changed["material_documents"] == 0
    assert query(home.published, "select count(*) from quarantine").item() == 0


def test_both_versions_of_odata_bring_the_same_rows(server, tmp_path, monkeypatch):
    for entity in YEAR:
        server.create(DOCUMENTS, entity)
    found = []
    for version in (2, 4):
        home = prepared(tmp_path / str(version), monkeypatch)
        assert ODataService(f"{server.address(version)}/API_MATERIAL_DOCUMENT_SRV", (USER, SECRET)).version == version
        read(home, server, version=version)
        found.append(landed(home))
    assert found[0].height == 7
    assert found[0].sort(pl.all()).equals(found[1].sort(pl.all()))


def test_a_crash_between_two_windows_costs_one_of_them_and_doubles_nothing(home, server, monkeypatch):
    for entity in YEAR:
        server.create(DOCUMENTS, entity)
    enter, calls = Lake.append_batch_once, []

    def breaks_off(lake, table, frame, batch):
        calls.append(batch)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return enter(lake, table, frame, batch)

    monkeypatch.setattr(Lake, "append_batch_once", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        read(home, server)
    monkeypatch.undo()
    monkeypatch.setenv("DAGSTER_HOME", str(home.dagster))
    monkeypatch.setenv("SERIALAKE_HOME", str(home.root))
    read(home, server, now=NOW + timedelta(minutes=5))
    settle(home)
    must_run(home, "facts")
    assert history(home) == HISTORY


def test_a_document_that_an_idoc_tells_too_has_two_witnesses(home, server):
    server.create(DOCUMENTS, YEAR[0])
    read(home, server)
    idoc = document(movement(item(PLANT="DC01"), serial("S1"), head={"PSTNG_DATE": "20260302"}))
    (home.landing / "idoc.xml").write_text(idoc)
    os.utime(home.landing / "idoc.xml", (time.time() - 60,) * 2)
    settle(home)
    must_run(home, "facts")
    sql = "select serial_number, witness_count, witness_names from serial_movements order by serial_number"
    assert query(home.published, sql).rows() == [("S1", 2, "s4,sap"), ("S2", 1, "s4")] or query(home.published, sql).rows() == [
        ("S1", 2, "sap,s4"),
        ("S2", 1, "s4"),
    ]


def test_who_may_not_read_is_told_so_without_a_secret(home, server):
    with pytest.raises(LiveError) as refused:
        read(home, server, password="wrong-and-secret")
    assert "refuses access (401)" in str(refused.value)
    assert not refused.value.may_pass
    assert "wrong-and-secret" not in repr((refused.value, S4Address(server.address(), (USER, "wrong-and-secret"))))


class _Flaky(BaseHTTPRequestHandler):
    """Answers 503 twice, then as an OData service whose next page is on another server."""

    answers = 0

    def do_GET(self):
        type(self).answers += 1
        if self.answers <= 2:
            self.send_response(503)
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        metadata = b'<edmx:Edmx Version="4.0"/>'
        self.wfile.write(metadata if "metadata" in self.path else b'{"value": [{"a": 1}], "@odata.nextLink": "http://elsewhere.example/x"}')

    def log_message(self, *_):
        pass


def test_a_server_that_stumbles_is_asked_again_and_credentials_go_nowhere_else(monkeypatch):
    monkeypatch.setattr("pipelines.live.odata._RETRIES", Retry(total=3, backoff_factor=0, status_forcelist=(503,), raise_on_status=False))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Flaky)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        service = ODataService(f"http://127.0.0.1:{server.server_port}/ANY_SRV", ("user", SECRET))
        assert _Flaky.answers == 3
        entities = service.entities("A")
        assert next(entities) == {"a": "1"}
        with pytest.raises(LiveError, match="names a next page on another server"):
            next(entities)
    finally:
        server.shutdown()


def test_a_server_that_is_not_there_may_come_back(home, monkeypatch):
    monkeypatch.setattr("pipelines.live.odata._RETRIES", Retry(total=0))
    with pytest.raises(LiveError, match="cannot be reached") as refused:
        extract_s4(home, Lake(home.lake), source_contracts(), address=S4Address("http://127.0.0.1:9/odata"), now=NOW)
    assert refused.value.may_pass
