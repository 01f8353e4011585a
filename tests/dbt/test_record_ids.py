"""What names a document: its own number, or else its place in the delivered file."""

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import polars as pl

from pipelines.contracts import source_contracts
from pipelines.home import project_root
from pipelines.ingest import ingest
from pipelines.lake import LINEAGE_SCHEMA, Lake
from pipelines.warehouse import install_delta_extension, query
from tests.unit.sources.conftest import document, idoc, item, movement, xml

DAY = xml("E1BP2017_GM_HEAD_01", PSTNG_DATE="20261101")


def _receipt(till: str | None) -> str:
    line = xml("E1WPB02", QUALARTNR="ARTN", ARTNR="400558", SERIENNR="S1", VORZEICHEN="-", MENGE="1.000")
    return xml("E1WPB01", KASSID=till, VORGDATUM="20261104", BONNUMMER="B1", segments=[line])


def _stage(home, **files: str) -> None:
    """Take the files in and build the staging models of documents."""
    for name, content in files.items():
        path = home.landing / f"{name}.xml"
        path.write_text(content)
        os.utime(path, (time.time() - 60, time.time() - 60))
    ingest(home, Lake(home.lake), source_contracts(), now=datetime(2026, 11, 5))
    install_delta_extension()
    target = str(home.root / "dbt_target")
    options = ["--select", "stg_sap__goods_movements", "stg_pos__receipt_lines", "--profiles-dir", ".", "--target-path", target]
    command = [str(Path(sys.executable).with_name("dbt")), "build", *options, "--log-path", target]
    built = subprocess.run(command, cwd=project_root() / "dbt_project", env=os.environ, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-4000:]


def test_documents_without_a_number_are_told_apart_by_their_place_in_the_file(home):
    nameless = movement(item(), DOCNUM=None, head={"REF_DOC_NO": ""})
    two_bodies = idoc(*(xml("E1MBGMCR", segments=[DAY, item()]) for _ in "ab"), DOCNUM=None)
    _stage(home, goods=document(nameless, nameless, two_bodies, movement(item(), DOCNUM="7")))
    load = Lake(home.lake).read("bronze/sap/goods_movements")["_load_id"][0]
    staged = "select record_id, document_id from staging.stg_sap__goods_movements order by line"
    assert query(home.warehouse, staged).rows() == [
        (f"HANDHELD/{load}-1/0001", f"HANDHELD-{load}-1"),
        (f"HANDHELD/{load}-2/0001", f"HANDHELD-{load}-2"),
        (f"HANDHELD/{load}-3/0001", f"HANDHELD-{load}-3"),
        (f"HANDHELD/{load}-3.2/0001", f"HANDHELD-{load}-3.2"),
        ("HANDHELD/7/0001", "ASN-778812"),
    ]


def test_a_receipt_without_a_till_has_a_name(home):
    control = {"IDOCTYP": "WPUBON01", "MESTYP": "WPUBON", "SNDPRN": "S101"}
    _stage(home, sales=document(idoc(_receipt("03"), _receipt(None), **control)))
    receipts = query(home.warehouse, "select receipt_id from staging.stg_pos__receipt_lines order by line")["receipt_id"]
    assert receipts.to_list() == ["S101-03-20261104-B1", "S101--20261104-B1"]


def test_a_lakehouse_from_before_the_places_were_kept_goes_on(home):
    lake, contract = Lake(home.lake), source_contracts()["sap/goods_movements"]
    given = {"idoctyp": "MBGMCR03", "sndprn": "WMS", "matdoc_itm": 1, "_load_id": "L0", "_file": "old.xml", "_line": 1}
    given["_ingested_at"] = datetime(2026, 11, 1)
    schema = {**contract.polars_schema, **LINEAGE_SCHEMA}
    older = {name: dtype for name, dtype in schema.items() if name not in ("idoc_ordinal", "document_ordinal")}
    lake.ensure("bronze/sap/goods_movements", older)
    lake.append_once("bronze/sap/goods_movements", pl.DataFrame([given], schema=older), ["L0"])
    _stage(home, goods=document(movement(item(), DOCNUM=None)))
    names = query(home.warehouse, "select record_id from staging.stg_sap__goods_movements order by file")["record_id"].to_list()
    load = lake.read("bronze/sap/goods_movements").filter(pl.col("_file") == "goods.xml")["_load_id"].item()
    assert names == [f"HANDHELD/{load}-1/0001", "WMS/L0/0001"]
