"""A real second ERP: a company trades in Tryton on PostgreSQL, and the ledger must say of every unit what Tryton says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from pipelines.contracts import source_contracts
from pipelines.home import Home, project_root
from pipelines.ingest import QUARANTINE, ensure_tables, ingest
from pipelines.lake import Lake
from pipelines.landing import delivered_files
from pipelines.live import EXTRACTIONS, SYSTEMS, Extraction, LiveError, extract
from pipelines.live.postgres import Snapshot
from pipelines.warehouse import query
from tests.flow.conftest import must_run, prepared
from tests.tryton.server import SECRET, TrytonServer, finished, tryton_server

pytestmark = pytest.mark.slow

TRYTON = SYSTEMS["tryton"]


@pytest.fixture(scope="module")
def server():
    yield from tryton_server()


@pytest.fixture(scope="module")
def traded(server) -> dict:
    """A year of trade, and what is special at its end."""
    return server.run("trade", "year", 1)


@pytest.fixture(scope="module")
def year_home(server, traded, tmp_path_factory) -> Home:
    """A home into which the year was read."""
    with pytest.MonkeyPatch.context() as patch:
        home = prepared(tmp_path_factory.mktemp("year") / "home", patch)
        read(server, home)
        must_run(home, "facts")
    return home


def read(server: TrytonServer, home: Home, **options: object) -> Extraction:
    return extract(TRYTON, home, Lake(home.lake), source_contracts(), connection_string=server.dsn(), **options)


def taken_in(home: Home, table: str) -> pl.DataFrame:
    """Rows of a bronze table, after all files have been taken in."""
    lake = Lake(home.lake)
    ensure_tables(lake, source_contracts())
    landed = Lake(home.lake).read(EXTRACTIONS)["extracted_at"].max()
    ingest(home, lake, source_contracts(), now=landed)
    return lake.read(f"bronze/tryton/{table}").sort("extracted_at", "id")


def in_the_ledger(home: Home) -> set[tuple[str, str, str]]:
    """Article, serial number and place of every unit, by the code that Tryton has for the place."""
    rows = query(
        home.published,
        """
        select article_id, serial_number, case unit_state
            when 'in_stock' then storage_location_id when 'in_transit' then 'Transit' when 'with_customer' then 'CUS'
            when 'missing' then 'Lost and Found' else unit_state
        end as place
        from serials
        """,
    )
    return set(rows.iter_rows())


def in_tryton(server: TrytonServer) -> set[tuple[str, str, str]]:
    """The same by Tryton; what went back to a supplier, or was never received, is nowhere."""
    held = server.run("answer")
    assert all(quantity in (1, -1) for article, _, _, quantity in held if article != "BATCH")
    return {(article, lot, place) for article, lot, place, quantity in held if quantity > 0 and article != "BATCH"}


def assert_same_places(server: TrytonServer, home: Home) -> None:
    told, answered = in_the_ledger(home), in_tryton(server)
    nowhere = {unit for unit in told if unit[2] in ("returned_to_vendor", "not_received")}
    assert told - nowhere == answered
    assert {unit[:2] for unit in nowhere}.isdisjoint({unit[:2] for unit in answered})


def test_after_a_year_units_and_places_are_those_that_tryton_tells(server, traded, year_home):
    # Twelve months of 7 and 5 units, four purchases of 2, three units found by counts, and one that came without a document.
    assert len(in_the_ledger(year_home)) == 12 * (7 + 5) + 4 * 2 + 3 + 1
    assert_same_places(server, year_home)
    states = dict(query(year_home.published, "select unit_state, count(*) from serials group by all").iter_rows())
    assert set(states) == {"in_stock", "in_transit", "with_customer", "returned_to_vendor", "missing"}
    conflicts = query(year_home.published, "select distinct conflict_code from serial_movements where conflict_code is not null")
    assert conflicts["conflict_code"].to_list() == []


def test_the_year_speaks_the_movement_types_of_the_ledger(year_home):
    counted = query(year_home.published, "select movement_type, count(*) as n from serial_movements group by all order by all")
    types = dict(counted.iter_rows())
    assert set(types) == {"101", "122", "303", "305", "311", "601", "653", "701", "702"}
    assert (types["303"], types["122"], types["701"], types["702"]) == (types["305"] + 1, 3, 3, 3)


def test_what_is_no_unit_stays_out_of_the_ledger(traded, year_home):
    serials = set(query(year_home.published, "select serial_number from serials")["serial_number"])
    assert traded["in_transit"] in serials
    assert traded["posted"] in serials
    assert traded["planned"] not in serials
    assert "BATCH-1" not in serials


def test_masters_stand_in_the_marts_without_names_of_customers(year_home):
    def column(sql: str) -> list:
        return query(year_home.published, sql).rows()

    assert column("select site_id, site_name from sites order by all") == [("WH", "Warehouse"), ("WH2", "Second warehouse")]
    assert column("select vendor_id, vendor_name from vendors") == [("SUPPLIER", "Party of SUPPLIER")]
    assert column("select customer_id from customers order by all") == [("CUSTOMER1",), ("CUSTOMER2",), ("CUSTOMER3",)]
    named = column("select article_id, article_name, has_master_data from articles where is_serialised order by all")
    assert named == [(code, f"The {code.lower()}", True) for code in ("PHONE", "TABLET", "WATCH")]
    landed = "".join(path.read_text() for path in (year_home.landing / "tryton").rglob("*.csv"))
    assert "Party of CUSTOMER" not in landed


def test_orders_and_shipments_stand_beside_the_movements(year_home):
    bought = query(
        year_home.published, "select distinct document_id, purchase_order_id from serial_movements where purchase_order_id is not null"
    )
    assert bought.height == 4
    assert bought["document_id"].str.starts_with("IN-").all()
    sold = query(year_home.published, "select movement_type, customer_id from serial_movements where sales_order_id is not null")
    assert set(sold.iter_rows()) == {("601", "CUSTOMER1")}


def test_trade_goes_on_while_it_is_read(server, year_home, tmp_path, monkeypatch):
    home = moved_to(year_home, tmp_path / "home", monkeypatch)
    trade, looks = server.start("trade", "busy", 2, 2), []
    while trade.poll() is None:
        looks.append(read(server, home).changed["moves"])
    finished(trade)
    read(server, home)
    assert len([changed for changed in looks if changed]) > 5, "trade and reading did not meet"
    must_run(home, "facts")
    assert_same_places(server, home)
    # Read again from nothing, it is the same history.
    anew = prepared(tmp_path / "anew", monkeypatch)
    read(server, anew)
    must_run(anew, "facts")
    assert in_the_ledger(anew) == in_the_ledger(home)
    count = "select article_id, serial_number, movement_type, document_id, moved_at from serial_movements order by all"
    assert query(anew.published, count).equals(query(home.published, count))


def test_what_was_posted_and_then_cancelled_or_deleted_is_taken_back(server, traded, year_home, tmp_path, monkeypatch):
    home = moved_to(year_home, tmp_path / "home", monkeypatch)
    server.run("trade", "undo", 3, traded["posted_move"], traded["plan"])
    gone = read(server, home).deleted
    assert (gone["shipments"], gone["moves"]) == (1, 1)
    must_run(home, "facts")
    events = "select movement_type, unit_state, conflict_code from serial_movements where serial_number = ? order by sequence_number"
    history = query(home.published, events, [traded["posted"]])
    assert history.rows() == [("101", "in_stock", None), ("102", "not_received", None)]
    assert_same_places(server, home)


def broken(*_: object) -> None:
    raise OSError("disk full")


def moved_to(home: Home, root: Path, monkeypatch) -> Home:
    """A copy of a home that may be changed."""
    shutil.copytree(home.root, root)
    return prepared(root, monkeypatch)


def test_a_transaction_that_commits_after_the_reading_is_not_missed(server, home):
    import psycopg

    read(server, home)
    with psycopg.connect(server.dsn("postgres")) as late, psycopg.connect(server.dsn("postgres"), autocommit=True) as soon:
        late.execute("insert into party_party (code, active, create_date) values ('LATE', true, current_timestamp)")
        with late.transaction():
            # A savepoint writes under a number of its own, which no snapshot names.
            late.execute("insert into party_party (code, active, create_date) values ('LATE-IN-SAVEPOINT', true, current_timestamp)")
        soon.execute("insert into party_party (code, active, create_date) values ('SOON', true, current_timestamp)")
        between = read(server, home)
        late.commit()
    after = read(server, home)
    assert (between.changed["parties"], after.changed["parties"]) == (1, 3)
    rows = taken_in(home, "parties").filter(pl.col("code").is_in(["LATE", "LATE-IN-SAVEPOINT", "SOON"]))
    seen = rows.filter(pl.col("extracted_at") == between.extracted_at)
    assert seen["code"].to_list() == ["SOON"]
    missed_by_time = rows.filter((pl.col("extracted_at") == after.extracted_at) & (pl.col("create_date") < seen["create_date"].item()))
    assert set(missed_by_time["code"]) == {"LATE", "LATE-IN-SAVEPOINT"}
    assert read(server, home).rows == 0
    server.sql("delete from party_party where code in ('LATE', 'LATE-IN-SAVEPOINT', 'SOON')")
    assert read(server, home).deleted["parties"] == 3
    last = taken_in(home, "parties").filter(pl.col("is_deleted"))
    assert set(last["id"]) == set(rows["id"])


def test_a_change_without_a_new_write_date_is_read_too(server, home):
    read(server, home)
    server.sql("update stock_location set name = 'Shop of the warehouse' where code = 'SHOP'")
    assert read(server, home).changed == {**dict.fromkeys([table.name for table in TRYTON.tables], 0), "locations": 1}


def test_the_settings_of_a_user_do_not_change_how_values_are_written(server, home):
    server.sql("alter role reader set datestyle = 'German, DMY'", "alter role reader set timezone = 'Asia/Tokyo'")
    try:
        done = read(server, home)
    finally:
        server.sql("alter role reader reset all")
    locations = taken_in(home, "locations")
    assert locations.height == done.changed["locations"] == 14
    assert set(locations["extracted_at"]) == {done.extracted_at}
    assert (locations["create_date"] < done.extracted_at).all()


def test_nothing_new_writes_nothing(server, home):
    first = read(server, home)
    assert first.changed["locations"] == 14
    marks = Lake(home.lake).version(EXTRACTIONS)
    assert read(server, home).files == ()
    assert Lake(home.lake).version(EXTRACTIONS) == marks
    assert read(server, home, is_full=True).changed["locations"] == 14


def test_the_watermark_follows_the_files(server, home, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append_batch_once", broken)
        with pytest.raises(OSError, match="disk full"):
            read(server, home)
    (stood,) = (home.landing / "tryton").iterdir()
    assert read(server, home).changed["locations"] == 14
    assert stood in (home.landing / "tryton").iterdir()
    rows = taken_in(home, "locations")
    assert (rows.height, rows["id"].n_unique()) == (28, 14)


def test_a_reading_that_broke_off_leaves_no_file_that_could_be_taken_for_whole(server, home, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", broken)
        with pytest.raises(OSError, match="disk full"):
            read(server, home)
    assert [path.name for path in (home.landing / "tryton").iterdir()] == [".unfinished"]
    assert delivered_files(home.landing, settle_seconds=0) == ([], [])
    done = read(server, home)
    shown, unfinished = delivered_files(home.landing, settle_seconds=0)
    assert ({file.name for file in shown}, unfinished) == (set(done.files), [])
    assert [path.name for path in (home.landing / "tryton").iterdir()] == [done.files[0].split("/")[1]]


def test_a_row_that_breaks_the_contract_lies_in_quarantine_and_stops_no_other(server, home):
    server.sql(f"insert into party_party (code, active) values ('{'X' * 41}', true), ('FINE', true)")
    read(server, home)
    codes = set(taken_in(home, "parties")["code"])
    server.sql(f"delete from party_party where code in ('{'X' * 41}', 'FINE')")
    assert "FINE" in codes
    assert "X" * 41 not in codes
    refused = Lake(home.lake).read(QUARANTINE)
    assert refused.select("table_name", "reason_code", "field").rows() == [("tryton/parties", "too_long", "code")]


def test_large_tables_come_in_files_of_bounded_size(server, home, monkeypatch):
    monkeypatch.setattr("pipelines.live.extracting.ROWS_PER_FILE", 5)
    done = read(server, home)
    assert [name for name in done.files if "locations" in name][-1].endswith("_0003.csv")
    assert taken_in(home, "locations").height == done.changed["locations"] == 14


def test_another_database_is_not_taken_for_the_one_that_was_read(server, home):
    read(server, home)
    server.sql("create database twin template shop", database="postgres")
    server.sql("grant select on all tables in schema public to reader", database="twin")
    try:
        with pytest.raises(LiveError, match=r"not the one that was read before.*--full"):
            extract(TRYTON, home, Lake(home.lake), source_contracts(), connection_string=server.dsn(database="twin"))
    finally:
        server.sql("drop database twin", database="postgres")


@pytest.mark.parametrize(
    ("dsn", "message"),
    [
        (lambda s: f"nonsense {SECRET}", "is no connection string"),
        (lambda s: f"postgresql://reader:{SECRET}@127.0.0.1:1/shop", "database shop at 127.0.0.1:1 cannot be reached: nobody answers"),
        (lambda s: f"postgresql://reader:{SECRET}@no.such.host.invalid/shop", "host is not known"),
        (lambda s: s.dsn(password=f"{SECRET}-wrong"), "user or the password is wrong"),
        (lambda s: s.dsn("nobody"), "user or the password is wrong"),
        (lambda s: f"{s.dsn()}&options=-csearch_path%3Dnowhere", "lacks product_template"),
        (lambda s: s.dsn(database="nowhere"), "database does not exist"),
        (lambda s: s.dsn(database="postgres"), "lacks product_template.*stock_lot.*modules company, party, product, stock, stock_lot"),
    ],
)
def test_a_database_that_cannot_be_read_is_named_with_its_cause(server, home, dsn, message):
    with pytest.raises(LiveError, match=message) as raised:
        extract(TRYTON, home, Lake(home.lake), source_contracts(), connection_string=dsn(server))
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert delivered_files(home.landing, settle_seconds=0) == ([], [])


def test_a_missing_right_or_column_is_named(server, home):
    server.sql("revoke select on stock_lot, sale_line from reader")
    with pytest.raises(LiveError, match=r"may not read stock_lot, sale_line of database shop"):
        read(server, home)
    server.sql("grant select on stock_lot, sale_line to reader", "alter table stock_move rename lot to charge")
    with pytest.raises(LiveError, match=r"lacks stock_move\.lot.*modules stock_lot "):
        read(server, home)
    server.sql("alter table stock_move rename charge to lot")
    assert read(server, home).changed["locations"] == 14


def test_a_company_without_purchases_and_sales_is_read(server, home):
    server.sql("alter table sale_sale rename to sale_gone")
    try:
        moves = read(server, home).changed["moves"]
    finally:
        server.sql("alter table sale_gone rename to sale_sale")
    rows = taken_in(home, "moves")
    assert rows.height == moves
    assert rows["sale_number"].null_count() == moves


def test_the_command_says_what_it_read_and_keeps_the_secret(server, home):
    def command(**variables: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "SERIALAKE_HOME": str(home.root), "COLUMNS": "200", "NO_COLOR": "1", "PYTHONPATH": str(project_root())}
        arguments = [sys.executable, "-m", "pipelines.cli", "extract", "tryton"]
        return subprocess.run(arguments, env={**environment, **variables}, capture_output=True, text=True, check=False)

    unset = command()
    assert (unset.returncode, "SERIALAKE_TRYTON_DSN is not set" in unset.stderr) == (1, True)
    wrong = command(SERIALAKE_TRYTON_DSN=server.dsn(database="nowhere"))
    assert (wrong.returncode, "database does not exist" in wrong.stderr) == (1, True)
    done = command(SERIALAKE_TRYTON_DSN=server.dsn())
    assert "tryton/locations: 14 rows new or changed, 0 gone" in done.stdout
    assert "Nothing changed" in command(SERIALAKE_TRYTON_DSN=server.dsn()).stdout
    assert SECRET not in "".join([wrong.stdout, wrong.stderr, done.stdout, done.stderr])


def test_the_job_reads_and_a_wrong_password_fails_it_without_another_try(server, home, monkeypatch):
    from pipelines.definitions import defs

    job = defs().resolve_job_def("extract_tryton")
    for dsn, succeeded in ((server.dsn(), True), (server.dsn(password="wrong"), False)):
        monkeypatch.setenv("SERIALAKE_TRYTON_DSN", dsn)
        with dg.DagsterInstance.ephemeral() as instance:
            result = job.execute_in_process(instance=instance, raise_on_error=False)
            log = "\n".join(str(entry) for entry in instance.all_logs(result.run_id))
        assert result.success is succeeded
        assert SECRET not in log
        assert "STEP_UP_FOR_RETRY" not in log
        assert ("user or the password is wrong" in log) is not succeeded


def test_only_the_tables_named_are_needed_and_nothing_can_be_written(server, home):
    import psycopg

    with psycopg.connect(server.dsn()) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("delete from stock_move")
    assert read(server, home).rows > 0


@pytest.mark.parametrize(
    ("written_by", "is_changed"),
    [(4294967290, False), (4294967291, True), (4294967295, True), (3, True), (9, True), (11, False), (4000000000, False)],
)
def test_transaction_numbers_go_around_and_nothing_is_missed(server, written_by, is_changed):
    import psycopg

    taken = Snapshot("any", 2**32 + 9, 2**32 + 10, None)
    condition = taken.changed_since("entry", 2**32 - 5)
    with psycopg.connect(server.dsn()) as connection:
        row = connection.execute(f"select {condition} from (select '{written_by}'::xid as xmin) as entry").fetchone()
    assert row == (is_changed,)


def test_without_an_earlier_snapshot_or_after_a_full_round_everything_is_read():
    taken = Snapshot("any", 2**32 + 9, 2**32 + 10, None)
    assert taken.changed_since("entry", None) == "true"
    assert taken.changed_since("entry", 5) == "true"
    assert taken.changed_since("entry", 2**33) == "true"
