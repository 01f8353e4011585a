"""IDocs of articles, shipments and store movements, from the landing folder to the ledger."""

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from pipelines.contracts import source_contracts
from pipelines.home import project_root
from pipelines.ingest import ingest
from pipelines.lake import Lake
from pipelines.warehouse import install_delta_extension, query
from tests.unit.sources.conftest import document, idoc, item, movement, serial, xml

pytestmark = pytest.mark.slow


def _deliver(home, **files: str) -> None:
    for name, content in files.items():
        path = home.landing / f"{name}.xml"
        path.write_text(content)
        os.utime(path, (time.time() - 60, time.time() - 60))
    result = ingest(home, Lake(home.lake), source_contracts(), now=datetime(2026, 11, 5))
    assert (result.files, result.records_quarantined) == ({"loaded": len(files)}, 0)
    install_delta_extension()
    target = str(home.root / "dbt_target")
    selected = ["+serial_movements", "+articles", "stg_sap__shipments"]
    options = ["--select", *selected, "--exclude-resource-type", "unit_test", "test", "--profiles-dir", ".", "--target-path", target]
    command = [str(Path(sys.executable).with_name("dbt")), "build", *options, "--log-path", target]
    built = subprocess.run(command, cwd=project_root() / "dbt_project", env=os.environ, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-4000:]


def test_idocs_of_every_type_arrive_where_they_belong(home):
    text = xml("E1MAKTM", SPRAS="E", SPRAS_ISO="EN", MAKTX="Phone X 128 black")
    article = xml("E1MARAM", MATNR="000000000000400558", MATKL="PHONE", EAN11="4006381333931", segments=[text])
    scrapped = xml("E1WXX01", FLDGRP="EXT", FLDNAME="SERNR", FLDVAL="S1")
    line = xml("E1WPG02", QUALARTNR="EAN1", ARTNR="4006381333931", BWART="551", MENGE="1", segments=[scrapped])
    slip = xml("E1WPG01", BONNUMMER="G1", BELEGDATUM="20261104", segments=[line])
    deliveries = [xml("E1EDL20", VBELN=number) for number in ("0080001234", "0080001235")]
    shipment = xml("E1EDT20", TKNUM="0000004711", segments=[xml("E1ADRM4", PARTNER_Q="SP", PARTNER_ID="0000300001"), *deliveries])
    fewer = xml("E1EDT20", TKNUM="0000004711", segments=deliveries[:1])
    _deliver(
        home,
        received=document(movement(item(MOVE_TYPE="101"), serial("S1"))),
        article=document(idoc(article, IDOCTYP="MATMAS05", MESTYP="MATMAS"), root="MATMAS05"),
        scrapped=document(idoc(slip, IDOCTYP="WPUWBW01", MESTYP="WPUWBW", SNDPRN="S101", CREDAT="20261104"), root="WPUWBW01"),
        shipped=document(idoc(shipment, IDOCTYP="SHPMNT05", MESTYP="SHPMNT"), root="SHPMNT05"),
        shipped_again=document(idoc(fewer, IDOCTYP="SHPMNT05", MESTYP="SHPMNT", CRETIM="041500", DOCNUM="1"), root="SHPMNT05"),
    )
    moved = "select movement_type, article_id, document_id, unit_state, witness_names from marts.serial_movements order by sequence_number"
    assert query(home.warehouse, moved).rows() == [
        ("101", "400558", "ASN-778812", "in_stock", "sap"),
        ("551", "400558", "G1", "scrapped", "pos"),
    ]
    assert query(home.warehouse, "select article_id, article_name from marts.articles").rows() == [("400558", "Phone X 128 black")]
    staged = query(home.warehouse, "select shipment_id, delivery_id, carrier_id from staging.stg_sap__shipments")
    assert staged.rows() == [("4711", "80001234", None)]
