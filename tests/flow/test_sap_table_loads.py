"""Table extracts night by night: late, repeated and deleted rows, what stock is worth, and what the checks say."""

from __future__ import annotations

import os
import time
from pathlib import Path

import dagster as dg
import pytest

from pipelines.home import Home
from pipelines.warehouse import query
from tests.flow.conftest import must_run, prepared

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parents[1] / "unit" / "sources" / "golden"
MSEG = "MBLNR,MJAHR,ZEILE,BWART,MATNR,WERKS,LGORT,SHKZG,MENGE,UMWRK,UMLGO,SMBLN,SJAHR,ROCANCEL\n"
LINES = {
    "stock of S1 and S2": "4900000001,2026,1,561,A,S101,0001,S,2,,,,,",
    "S2 to another site": "4900000002,2026,1,301,A,S101,0001,H,1,S102,0001,,,",
    "S1 back from nowhere": "4900000003,2026,1,602,A,S101,0001,S,1,,,4900000002,2025,",
    "stock of S1 again": "4900000004,2026,1,561,A,S101,0001,S,1,,,,,",
}
FIRST_NIGHT = {
    "t377p": "SERAIL,SERTX,BSTVP\n0003,Stock check,2\n0001,Integrated,\n",
    "t377": "SERAIL,BELEG,SERUSAGE\n0003,MMSL,03\n0003,SDLS,02\n0001,MMSL,03\n",
    "marc": "MATNR,WERKS,SERNP\nA,S101,0003\nA,S102,0001\n",
    "equi": "EQUNR,MATNR,SERNR,OBJNR\n1,A,S1,IE1\n2,A,S2,IE2\n",
    "eqbs": "EQUNR,LBBSA,B_WERK,B_LAGER\n1,01,S101,0001\n2,01,S101,0001\n",
    "jest": "OBJNR,STAT,INACT\nIE1,I0184,\nIE1,I0990,\nIE2,I0991,\nIE2,I0990,X\n",
    "tj02t": "ISTAT,SPRAS,TXT04\nI0184,EN,ESTO\nI0990,EN,ECUS\nI0991,EN,EDEL\n",
    "ser01": "OBKNR,LIEF_NR,POSNR\n9,0080000001,10\n",
    "likp": "VBELN,LFART,WADAT_IST\n0080000001,LF,20260301\n",
    "objk": "OBKNR,OBZAE,EQUNR,MATNR,SERNR,TASER\n"
    "1,1,1,A,S1,SER03\n1,2,2,A,S2,SER03\n2,1,2,A,S2,SER03\n3,1,1,A,S1,SER03\n4,1,1,A,S1,SER03\n9,1,2,A,S2,SER01\n",
    "ser03": "OBKNR,MBLNR,MJAHR,ZEILE,ANZSN\n1,4900000001,2026,1,3\n2,4900000002,2026,1,1\n3,4900000003,2026,1,1\n4,4900000004,2026,1,1\n",
    "mkpf": "MBLNR,MJAHR,BUDAT,CPUDT,CPUTM,XBLNR\n"
    + "".join(f"490000000{n},2026,2026030{n},2026030{n},08:00:00,REF{n}\n" for n in range(1, 5)),
}


def land(home: Home, name: str, content: str | bytes) -> None:
    path = home.landing / "sap" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    settled = time.time() - 60
    os.utime(path, (settled, settled))


def history(home: Home) -> list[tuple]:
    told = "serial_number, movement_type, document_id, unit_state, to_site_id"
    return query(home.published, f"select {told} from serial_movements where article_id = 'A' order by all").rows()


def warned(home: Home) -> set[str]:
    """Names of dbt's tests between tables that warn in the newest run, as the Dagster UI shows them."""
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        run = instance.get_runs(limit=1)[0]
        evaluated = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
        checks = [entry.dagster_event.asset_check_evaluation_data for entry in evaluated]
        return {check.check_name for check in checks if not check.passed and check.check_name.startswith("assert_")}


STOCK = [("S1", "561", "REF1", "in_stock", "S101"), ("S2", "561", "REF1", "in_stock", "S101")]
MOVED = ("S2", "301", "REF2", "in_stock", "S102")
BACK, AGAIN = ("S1", "602", "REF3", "in_stock", "S101"), ("S1", "561", "REF4", "in_stock", "S101")


def test_tables_that_come_late_again_and_deleted_tell_the_history_that_stands_at_last(tmp_path, monkeypatch):
    home = prepared(tmp_path / "home", monkeypatch)
    for table, content in FIRST_NIGHT.items():
        land(home, f"{table}_1.csv", content)
    for n, kind in enumerate(("101_goods_receipt", "311_transfer")):
        idoc = (GOLDEN / f"MBGMCR03_{kind}.xml").read_text()
        number = idoc.split("<DOCNUM>")[1].split("<")[0]
        land(home, f"idoc/mbgmcr_{n}.xml", idoc.replace(number, "0000000000000042"))
    must_run(home, "facts")
    # Without the lines of the documents nobody knows what became of the units.
    assert history(home) == []

    land(home, "mseg_2.csv", MSEG + "\n".join(LINES.values()) + "\n")
    must_run(home, "facts")
    assert history(home) == sorted([*STOCK, MOVED, BACK, AGAIN])
    assert warned(home) == {
        "assert_serial_counts_agree",
        "assert_ledger_erp_and_counts_agree",
        "assert_transfers_sum_to_zero",
        "assert_initial_stock_is_loaded_once",
        "assert_reversals_follow_what_they_reverse",
        "assert_reversed_documents_exist",
        "assert_idoc_numbers_are_unique",
    }
    reconciled = query(home.published, "select serial_number, cause_code, all_cause_codes from serial_reconciliation order by all").rows()
    assert reconciled == [
        ("S1", "status_conflict", "status_conflict"),
        ("S2", "wrong_site", "profile_mismatch,stuck_delivery_status,wrong_site"),
    ]
    trust = query(home.published, "select serial_number, site_id, trust_level from serials where article_id = 'A' order by all").rows()
    assert trust == [("S1", "S101", "full"), ("S2", "S102", "unchecked")]
    counted = "select trust_level, units from stock_current where article_id = 'A' order by all"
    assert query(home.published, counted).rows() == [("full", 1), ("unchecked", 1)]
    daily = "select distinct site_id, trust_level from stock_daily where article_id = 'A' order by all"
    assert query(home.published, daily).rows() == [("S101", "full"), ("S102", "unchecked")]
    profiles = "select serial_number_profile_code, procedure_code, usage_name, trust_level, article_sites from serial_profiles order by all"
    assert query(home.published, profiles).rows() == [
        ("0001", "MMSL", "obligatory", "unchecked", 1),
        ("0003", "MMSL", "obligatory", "full", 1),
        ("0003", "SDLS", "optional", "full", 1),
    ]

    # The next night repeats what stands, and takes two lines back: one by its key alone, one by the document's serial number.
    records = query(home.warehouse, "select count(*) from intermediate.int_movement_records").item()
    gone = ["4900000004,2026,1,,,,,,,,,,,D", LINES["stock of S1 and S2"], "4900000002,2026,1,301,A,S101,0001,H,1,S102,0001,,,X"]
    land(home, "mseg_3.csv", MSEG + "\n".join(gone) + "\n")
    land(home, "objk_3.csv", "OBKNR,OBZAE,MATNR,SERNR,TASER,ODQ_CHANGEMODE\n3,1,,,,D\n")
    must_run(home, "facts")
    assert history(home) == sorted([*STOCK, MOVED])
    # What was repeated, and what tells how a row was before its change, adds no record.
    kept = query(home.warehouse, "select count(*) from intermediate.int_movement_records where serial_number is not null").item()
    assert kept == records
    assert "assert_initial_stock_is_loaded_once" not in warned(home)
