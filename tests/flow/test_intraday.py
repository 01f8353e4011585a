"""Two speeds: what lands during the day is live within a look, and the night after says the same of every unit.

One story, told once for all tests: a retailer is built up to a day; the days after it land file by file, in any order, with a
correction among them, and looks are killed; then a night builds while more lands.
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from pipelines.checks.decisions import reject
from pipelines.contracts import published_contracts, source_contracts
from pipelines.home import Home
from pipelines.intraday.taking import Look, take_in
from pipelines.lake import Lake
from pipelines.publish import is_live
from pipelines.simulator import simulate, write
from pipelines.warehouse import query
from tests.flow.conftest import must_run, prepared
from tests.flow.test_kill import TINY

pytestmark = pytest.mark.slow

SOURCES, PUBLISHED = source_contracts(), published_contracts()
FIRST_DAY = "20260501"
CLOCKS = ("ingested_at", "file", "line")
OF_MASTER_DATA = (
    "category_code", "equipment_id", "master_batch_id", "warranty_end_date", "handling_unit_id", "parent_article_id",
    "parent_serial_number",
)  # fmt: skip
"""What the live card of a unit has as of the night; see INTRADAY.md."""
KILLED_AFTER = (1.5, 3.0, 4.0, 5.0, 6.5)
PAIRS = {"serials_live": "serials", "serial_movements_live": "serial_movements", "stock_live": "stock_current"}


ANALYST = """
import json, pathlib, sys, time

import duckdb

path, stop, told, failures, reads = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), [], 0
held = duckdb.connect(path, read_only=True)
expected = held.execute("select sum(units) from stock_live").fetchone()
while not stop.exists():
    try:
        assert held.execute("select sum(units) from stock_live").fetchone() == expected, "an open connection saw other facts"
        # A process of one's own: connections of one process to one file share what the first has opened.
        copy = duckdb.connect()
        copy.execute(f"attach '{path}' as fresh (read_only)")
        copy.execute("select sum(units) from fresh.stock_live").fetchone()
        copy.close()
        reads += 1
    except Exception as error:
        failures.append(str(error))
    time.sleep(0.1)
told.write_text(json.dumps([reads, failures]))
"""


@dataclass
class Story:
    """What was seen, and when."""

    home: Home
    looks: list[Look] = field(default_factory=list)
    before_the_night: dict[str, pl.DataFrame] = field(default_factory=dict)
    after_the_night: dict[str, pl.DataFrame] = field(default_factory=dict)
    live_after_the_night: dict[str, pl.DataFrame] = field(default_factory=dict)
    found: pl.DataFrame | None = None
    still_found: pl.DataFrame | None = None
    was_night_going_on: bool = False
    kills: int = 0
    reads: int = 0
    failures: list[str] = field(default_factory=list)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _look(home: Home) -> Look:
    return take_in(home, Lake(home.lake), SOURCES, PUBLISHED, now=_now)


def _environment(home: Home) -> dict[str, str]:
    return {**os.environ, "SERIALAKE_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)}


def _land(source: Path, target: Path) -> None:
    """A file that has been lying for a minute."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)
    os.utime(target, (time.time() - 60,) * 2)


def _day(name: str) -> str:
    return next((part[:8] for part in re.split("[_.]", name) if part[:4] == "2026"), "")


def _shown(home: Home, names) -> dict[str, pl.DataFrame]:
    """Tables in a fixed row order, in the columns that a live table and its twin of the night have in common."""
    found = {}
    for live, facts in PAIRS.items():
        columns = [c.name for c in PUBLISHED[live].columns if c.name not in (*CLOCKS, *OF_MASTER_DATA)]
        name = live if names == "live" else facts
        found[live] = query(home.published, f"select {', '.join(columns)} from {name} order by all")
    return found


def _corrected(delivered: Path, target: Path) -> None:
    """The newer version of a store's delivery that no longer names its first unit."""
    for path in sorted((delivered / "sap" / "idoc").glob("delvry_2026*.xml")):
        if _day(path.name) >= FIRST_DAY:
            break
        for idoc in re.findall(r"<IDOC BEGIN.*?</IDOC>", path.read_text(), flags=re.DOTALL):
            if "<LFART>NL</LFART>" in idoc and idoc.count("<E1EDL11") > 1:
                chosen = idoc
    newer = re.sub(r"<E1EDL11.*?</E1EDL11>\s*", "", chosen, count=1, flags=re.DOTALL)
    newer = re.sub(r"<DOCNUM>\d+<", "<DOCNUM>0000000088888888<", re.sub(r"<CREDAT>\d+<", "<CREDAT>20260620<", newer))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<DELVRY07>\n{newer}\n</DELVRY07>\n')


def _scans(home: Home) -> str:
    """A count of four units of one store: one unknown, one sold, one of another store, one where it belongs."""
    units = query(
        home.published,
        """
        select unit_state, site_id, storage_location_id, article_id, serial_number from serials_live
        where unit_state in ('in_stock', 'with_customer') and status_conflict is null and stock_type_code is not distinct from
            case when unit_state = 'in_stock' then '01' end
        order by serial_number""",
    )
    stock = units.filter(unit_state="in_stock", storage_location_id="0001")
    stores = stock.filter(pl.col("site_id").str.starts_with("S"))["site_id"].unique().sort()
    here, there = (stock.filter(site_id=site).row(0, named=True) for site in stores[:2])
    sold = units.filter(unit_state="with_customer").row(0, named=True)
    unknown = {**here, "serial_number": "NEVERSEEN0001"}
    return "".join(
        json.dumps({
            "scan_id": f"LIVE{number}", "device_id": "HH-1", "scanned_at": "2026-06-30T20:00:00Z", "site": here["site_id"],
            "storage_location": "0001", "action": "count", "count_document": "CLIVE1", "article": unit["article_id"],
            "serial_number": unit["serial_number"],
        }) + "\n"
        for number, unit in enumerate((here, there, sold, unknown))
    )  # fmt: skip


def _kill_looks(story: Story) -> None:
    for seconds in KILLED_AFTER:
        command = [sys.executable, "-m", "pipelines.cli", "run", "--intraday"]
        process = subprocess.Popen(command, env=_environment(story.home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            story.kills += 1


@pytest.fixture(scope="module")
def story(tmp_path_factory) -> Story:
    folder = tmp_path_factory.mktemp("intraday")
    delivered = folder / "delivered"
    write(simulate(TINY), delivered, folder / "truth")
    with pytest.MonkeyPatch.context() as patch:
        home = prepared(folder / "home", patch)
        files = sorted(path for path in delivered.rglob("*") if path.is_file())
        for path in files:
            if _day(path.name) < FIRST_DAY:
                _land(path, home.landing / path.relative_to(delivered))
        must_run(home, "facts")
        told = Story(home)
        _tell_the_day(told, delivered, [path for path in files if _day(path.name) >= FIRST_DAY])
        _tell_the_night(told, delivered)
        return told


def _tell_the_day(story: Story, delivered: Path, later: list[Path]) -> None:
    home = story.home
    random.Random(7).shuffle(later)
    third = len(later) // 3
    for number, chunk in enumerate((later[:third], later[third : 2 * third], later[2 * third :])):
        for path in chunk:
            _land(path, home.landing / path.relative_to(delivered))
        if number == 1:
            _corrected(delivered, home.landing / "sap" / "idoc" / "delvry_corrected.xml")
            _kill_looks(story)
        story.looks.append(_look(home))
    story.before_the_night = _shown(home, "live")


def _tell_the_night(story: Story, delivered: Path) -> None:
    """A night starts; when it has taken its cut, a count lands and is looked at; the next night has it in the facts."""
    home = story.home
    stop, told = home.root / "stop", home.root / "told"
    analyst = subprocess.Popen([sys.executable, "-c", ANALYST, str(home.published), str(stop), str(told)])
    cut, began = home.passed_note.stat().st_mtime_ns, "from pipelines.home import Home; from pipelines.runs import run_job; import sys"
    night = subprocess.Popen(
        [sys.executable, "-c", f"{began}; sys.exit(not run_job(Home.from_environment(), 'facts').succeeded)"], env=_environment(home)
    )
    while home.passed_note.stat().st_mtime_ns == cut and night.poll() is None:
        time.sleep(0.1)
    scans = home.root / "scans"
    scans.write_text(_scans(home))
    _land(scans, home.landing / "handheld" / "scans_live.jsonl")
    story.looks.append(_look(home))
    story.was_night_going_on = night.poll() is None
    story.found = query(home.published, "select * from live_discrepancies where document_id = 'CLIVE1'")
    assert night.wait(timeout=900) == 0
    stop.touch()
    assert analyst.wait(timeout=60) == 0
    story.reads, story.failures = json.loads(told.read_text())
    story.after_the_night, story.live_after_the_night = _shown(home, "facts"), _shown(home, "live")
    story.still_found = query(home.published, "select * from live_discrepancies where document_id = 'CLIVE1'")


@pytest.fixture(scope="module")
def next_night(story) -> dict[str, pl.DataFrame]:
    """What the night after says, which has the file that landed while the first one built."""
    must_run(story.home, "facts")
    return _shown(story.home, "facts")


def test_what_is_live_is_what_the_night_says_of_every_unit(story):
    for name, live in story.before_the_night.items():
        assert live.equals(story.after_the_night[name]), name
        assert not live.is_empty()
    assert story.looks[0].live.touched_units > 0


def test_a_look_that_was_killed_is_made_up_by_the_next(story):
    assert story.kills >= 3
    manifest = Lake(story.home.lake).read("manifest")
    assert manifest.filter(status="loaded")["content_sha256"].is_unique().all()
    assert (manifest["records_in"] == manifest["records_accepted"] + manifest["records_quarantined"]).all()
    assert is_live(story.home, Lake(story.home.lake))


def test_a_count_that_lands_while_a_night_builds_is_flagged_against_the_book_at_once(story):
    assert story.was_night_going_on
    assert story.still_found.equals(story.found)
    scanned = story.found.filter(pl.col("cause_code") != "short")
    assert sorted(scanned["cause_code"]) == ["already_sold", "unknown_serial", "wrong_site"]
    assert scanned.filter(cause_code="unknown_serial")["serial_number"].to_list() == ["NEVERSEEN0001"]
    assert scanned["reason"].str.len_chars().min() > 20


def test_an_analyst_is_never_failed_by_either(story):
    assert story.failures == []
    assert story.reads > 10


def test_moments_of_ingestion_never_go_back_whatever_the_clock_says(home):
    lake, moments = Lake(home.lake), []
    for number, days in enumerate((0, -400, 3, -1)):
        (home.landing / f"{number}.csv").write_text(f"{number}\n")
        os.utime(home.landing / f"{number}.csv", (time.time() - 60,) * 2)
        take_in(home, lake, SOURCES, PUBLISHED, now=lambda days=days: datetime(2026, 3, 3) + timedelta(days=days))
        # A look that broke off has given its moment to rows that the manifest does not know.
        if number == 1:
            home.moment_note.write_text(datetime(2026, 3, 4).isoformat())
        moments.append(lake.read("manifest")["ingested_at"].max())
    assert moments == sorted(set(moments))
    assert moments[2] > datetime(2026, 3, 4)


def test_what_landed_while_a_night_built_is_built_by_the_next_and_cleared(story, next_night):
    for name, live in story.live_after_the_night.items():
        assert live.equals(next_night[name]), name
    for table in ("live_discrepancies", "changed_units", "changed_serials", "changed_stock"):
        assert query(story.home.published, f"select count(*) from {table}").item() == 0, table


def test_a_file_that_breaks_an_error_rule_is_kept_out_alone(story, next_night, tmp_path):
    home, lake = story.home, Lake(story.home.lake)
    bad = {"scan_id": "BAD1", "device_id": "HH-1", "scanned_at": "2026-07-01T08:00:00Z", "site": "S101", "storage_location": "0001",
           "action": "sell", "article": "400501", "serial_number": "VX1"}  # fmt: skip
    unit = query(home.published, "select * from serials where unit_state = 'in_stock' and site_id like 'S%' order by all limit 1")
    good = {**bad, "scan_id": "GOOD1", "action": "scrap", "article": unit["article_id"][0], "serial_number": unit["serial_number"][0],
            "site": unit["site_id"][0]}  # fmt: skip
    for name, scan in (("bad", bad), ("good", good)):
        (tmp_path / name).write_text(json.dumps(scan) + "\n")
        _land(tmp_path / name, home.landing / "handheld" / f"scans_{name}.jsonl")
    live = _look(home).live
    assert len(live.held) == 1
    states = query(home.published, "select unit_state from changed_serials where serial_number = ?", unit["serial_number"].to_list())
    assert states.to_series().to_list() == ["scrapped"]
    assert query(home.published, "select count(*) from changed_units").item() == 1
    with home.ingest_lock():
        reject(lake, SOURCES, "handheld/scans_bad.jsonl", held_back={"handheld/scans_bad.jsonl"}, reason="a test", now=_now())
    assert not is_live(home, lake)
    assert _look(home).live.held == ()
    assert is_live(home, lake)
