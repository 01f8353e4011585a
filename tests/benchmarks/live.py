"""How long from a file's landing until an analyst sees it: `python -m tests.benchmarks.live`.

Dagster's own daemon and code servers run as `serialake ui` starts them, nights follow one another all the time, files of handhelds,
tills and the ERP land at random moments, and plain DuckDB clients look, in processes of their own. The machine is used by nobody
else, or the figures say little: its load is printed beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl
from rich.console import Console

from pipelines.home import Home, project_root
from pipelines.simulator import SimulationConfig, simulate, write
from pipelines.summary import table_of
from pipelines.warehouse import query

SEED = 5
TARGETS = {"median": 20.0, "worst": 60.0}
_ANALYST = """
import json, pathlib, sys, time
import duckdb

path, stop, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
seen, queries, failures, slowest = {}, 0, [], 0.0
held = duckdb.connect(path, read_only=True)
expected = held.execute("select sum(units) from stock_live").fetchone()
while not stop.exists():
    began = time.time()
    try:
        # A database of its own: connections of one process to one file share what the first has opened.
        with duckdb.connect() as fresh:
            fresh.execute(f"attach '{path}' as fresh (read_only)")
            found = fresh.execute("select serial_number from fresh.serials_live where serial_number between 'LIVE' and 'LIVF'").fetchall()
        for (serial,) in found:
            seen.setdefault(serial, time.time())
        queries += 1
        if held.execute("select sum(units) from stock_live").fetchone() != expected:
            failures.append("an open connection saw other facts")
    except Exception as error:
        failures.append(str(error))
    slowest = max(slowest, time.time() - began)
    time.sleep(0.2)
out.write_text(json.dumps({"seen": seen, "queries": queries, "failures": failures, "slowest": slowest}))
"""
_NIGHT = "import sys; from pipelines.home import Home; from pipelines.runs import run_job; sys.exit(not run_job(Home.from_environment(), 'nightly').succeeded)"
_TILL = """<?xml version="1.0" encoding="UTF-8"?>
<WPUBON01><IDOC BEGIN="1">
<EDI_DC40 SEGMENT="1"><TABNAM>EDI_DC40</TABNAM><MANDT>100</MANDT><DIRECT>2</DIRECT><MESTYP>WPUBON</MESTYP><DOCNUM>00000000770{number:05}</DOCNUM><IDOCTYP>WPUBON01</IDOCTYP><SNDPOR>SAPE01</SNDPOR><SNDPRT>KU</SNDPRT><SNDPRN>{site}</SNDPRN><CREDAT>20261101</CREDAT><CRETIM>213000</CRETIM></EDI_DC40>
<E1WPB01 SEGMENT="1"><KASSID>01</KASSID><VORGDATUM>20261101</VORGDATUM><VORGZEIT>101606</VORGZEIT><BONNUMMER>LIVE{number:06}</BONNUMMER><BELEGWAERS>USD</BELEGWAERS>
<E1WPB02 SEGMENT="1"><QUALARTNR>ARTN</QUALARTNR><ARTNR>{article}</ARTNR><SERIENNR>{serial}</SERIENNR><VORZEICHEN>-</VORZEICHEN><MENGE>1.000</MENGE></E1WPB02>
</E1WPB01></IDOC></WPUBON01>
"""
_ERP = """<?xml version="1.0" encoding="UTF-8"?>
<MBGMCR03><IDOC BEGIN="1">
<EDI_DC40 SEGMENT="1"><TABNAM>EDI_DC40</TABNAM><MANDT>100</MANDT><DIRECT>2</DIRECT><MESTYP>MBGMCR</MESTYP><DOCNUM>00000000880{number:05}</DOCNUM><IDOCTYP>MBGMCR03</IDOCTYP><SNDPOR>SAPE01</SNDPOR><SNDPRT>LS</SNDPRT><SNDPRN>WMS</SNDPRN><CREDAT>20261101</CREDAT><CRETIM>092100</CRETIM></EDI_DC40>
<E1MBGMCR SEGMENT="1"><E1BP2017_GM_HEAD_01 SEGMENT="1"><PSTNG_DATE>20261101</PSTNG_DATE><DOC_DATE>20261101</DOC_DATE><REF_DOC_NO>LV{number:08}</REF_DOC_NO></E1BP2017_GM_HEAD_01>
<E1BP2017_GM_CODE SEGMENT="1"><GM_CODE>01</GM_CODE></E1BP2017_GM_CODE>
<E1BP2017_GM_ITEM_CREATE SEGMENT="1"><MATERIAL>{article}</MATERIAL><PLANT>{site}</PLANT><STGE_LOC>0001</STGE_LOC><MOVE_TYPE>101</MOVE_TYPE><ENTRY_QNT>1.000</ENTRY_QNT><ENTRY_UOM>EA</ENTRY_UOM></E1BP2017_GM_ITEM_CREATE>
<E1BP2017_GM_SERIALNUMBER SEGMENT="1"><MATDOC_ITM>0001</MATDOC_ITM><SERIALNO>{serial}</SERIALNO></E1BP2017_GM_SERIALNUMBER>
</E1MBGMCR></IDOC></MBGMCR03>
"""


def _scan(**told: object) -> str:
    scan = {"scan_id": f"LIVE{told['number']}", "device_id": "HH-1", "scanned_at": "2026-11-01T08:00:00Z", "site": told["site"],
            "storage_location": "0001", "action": "receive", "article": told["article"], "serial_number": told["serial"]}  # fmt: skip
    return json.dumps(scan) + "\n"


_KINDS = {"handheld/scans_live_{}.jsonl": _scan, "sap/idoc/wpubon_live_{}.xml": _TILL.format, "sap/idoc/mbgmcr_live_{}.xml": _ERP.format}


def live_rows(folder: Path, *, files: int, scale: float, mean_seconds: float) -> list[dict]:
    """Rows of the table of figures: seconds from the rename in landing/ until a client has seen the file's unit, and what readers met."""
    home = Home(folder / "home").prepare()
    environment = {**os.environ, "SERIALAKE_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)}
    if not home.published.exists():
        write(simulate(SimulationConfig(scale=scale)), home.landing, home.truth)
        subprocess.run([sys.executable, "-c", _NIGHT], env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    movements = query(home.published, "select count(*) from serial_movements").item()
    stop, told, log = folder / "stop", folder / "told.json", (folder / "ui.log").open("wb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "pipelines.cli", "ui", "--port", port]
    ui = subprocess.Popen(command, env=environment, cwd=project_root(), stdout=log, stderr=log, start_new_session=True)
    analyst = subprocess.Popen([sys.executable, "-c", _ANALYST, str(home.published), str(stop), str(told)])
    try:
        _wait_for_sensor(home)
        landed, nights, during, night = _land_at_random(home, environment, files, mean_seconds)
    finally:
        _wait_until_seen(home, files)
        stop.touch()
        analyst.wait(timeout=120)
        # What was started here, and nothing else: Dagster hands the signal to the servers that it started.
        os.killpg(ui.pid, signal.SIGTERM)
        ui.wait(timeout=60)
    night.wait()
    return _rows(movements, landed, json.loads(told.read_text()), nights, during)


def _wait_for_sensor(home: Home) -> None:
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    with dg.DagsterInstance.get() as instance:
        deadline = time.monotonic() + 600
        while not any(state.instigator_name == "landing_sensor" and state.instigator_data.last_tick_timestamp
                      for state in instance.all_instigator_state() if state.instigator_data):  # fmt: skip
            if time.monotonic() > deadline:
                raise TimeoutError("the daemon has not looked into landing/ for ten minutes")
            time.sleep(1)


def _land_at_random(home: Home, environment: dict, files: int, mean_seconds: float) -> tuple[dict[str, float], int, int, subprocess.Popen]:
    """Land the files while nights follow one another.

    Returns moments by serial number, nights begun, files landed during one, and the night that may still go on.
    """
    draw = random.Random(SEED)
    articles, sites = (query(home.published, sql).to_series().to_list() for sql in _PLACES)
    landed, nights, during, night = {}, 0, 0, None
    for number in range(files):
        if night is None or night.poll() is not None:
            night = subprocess.Popen([sys.executable, "-c", _NIGHT], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            nights += 1
        time.sleep(draw.expovariate(1 / mean_seconds))
        name, text = list(_KINDS.items())[number % len(_KINDS)]
        serial, target = f"LIVE{number:06}", home.landing / name.format(number)
        part = target.with_name(f"{target.name}.part")
        part.write_text(text(number=number, site=draw.choice(sites), article=draw.choice(articles), serial=serial), encoding="utf-8")
        part.rename(target)
        landed[serial] = time.time()
        during += night.poll() is None
    return landed, nights, during, night


_PLACES = ("select article_id from articles where article_id in (select article_id from serials) order by 1",
           "select site_id from sites where site_id like 'S%' order by 1")  # fmt: skip


def _wait_until_seen(home: Home, files: int) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        if query(home.published, "select count(*) from serials_live where serial_number between 'LIVE' and 'LIVF'").item() >= files:
            break
        time.sleep(1)
    time.sleep(2)


def _rows(movements: int, landed: dict[str, float], told: dict, nights: int, during: int) -> list[dict]:
    seconds = sorted(told["seen"][serial] - moment for serial, moment in landed.items() if serial in told["seen"])
    worst = max(seconds) if len(seconds) == len(landed) else float("inf")
    figures = {
        "median": statistics.median(seconds),
        "95th percentile": seconds[min(len(seconds) - 1, round(0.95 * len(seconds)))],
        "worst": worst,
    }
    what = f"file landed to visible, {len(landed)} files, {movements / 1e6:.2f} million movements"
    rows = [
        {"what": f"{what}: {name}", "measured": f"{value:.1f} s", "target": f"{TARGETS[name]:.0f} s" if name in TARGETS else ""}
        for name, value in figures.items()
    ]
    readers = f"{told['queries']} queries, {len(told['failures'])} failed"
    load = f"{os.getloadavg()[0]:.1f} and {os.getloadavg()[2]:.1f} on {os.cpu_count()} cores"
    return [
        *rows,
        {"what": "files that landed while a nightly run went on", "measured": f"{during} of {len(landed)}, {nights} nights", "target": ""},
        {"what": "an analyst's queries meanwhile, new and open connections", "measured": readers, "target": "0 failed"},
        {"what": "load of the machine in the last 1 and 15 minutes", "measured": load, "target": ""},
    ]


def main() -> None:
    """Run the benchmark and print its table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--files", type=int, default=30)
    arguments.add_argument("--scale", type=float, default=2.0, help="volume of the simulated retailer")
    arguments.add_argument("--mean-seconds", type=float, default=8.0, help="mean time between two files")
    arguments.add_argument("--folder", type=Path, help="kept afterwards, and used as it is where it holds facts; default: a temporary one")
    given = arguments.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="serialake-live-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        rows = live_rows(folder, files=given.files, scale=given.scale, mean_seconds=given.mean_seconds)
        Console(width=160).print(table_of(f"Live, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC", pl.DataFrame(rows)))
    finally:
        if given.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
