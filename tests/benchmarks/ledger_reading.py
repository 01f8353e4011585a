"""The ledger's benchmark, its readers: publishing, look-ups, the stock of a moment, and the same tables made by Spark."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from itertools import pairwise

import duckdb

from pipelines.contracts import published_contracts
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.publish import publish
from pipelines.warehouse import reading

__all__ = ["as_of", "look_ups", "published", "spark_against_duckdb"]

_PUBLISHED = ("serials", "serial_movements", "serial_stays")
_LIMITS = {"memory_limit": os.environ.get("SERIALAKE_MEMORY", "5GB"), "threads": 2}
_LOOK_UPS, _WARM = 1_000, 20
_ROWS_IN_MEMORY = 6_000_000
"""Movements that DuckDB sorts at once."""
_QUICKLY = ("select * from unit_card(?)", "select * from unit_history(?) order by sequence_number")
_BY_VIEWS = (
    "select * from serials where serial_number = ?",
    "select * from serial_movements where serial_number = ? order by sequence_number",
)
_AS_OF = "select site_id, count(*) from as_of(?) where site_id = ? and unit_state = 'in_stock' group by all"


def published(home: Home, lake: Lake) -> dict:
    """Figures of one publication: seconds, and what the tables take on disk."""
    contracts = {name: contract for name, contract in published_contracts().items() if name in _PUBLISHED}
    begin = time.perf_counter()
    publication = publish(home, lake, contracts, now=datetime(2026, 7, 1))
    seconds = time.perf_counter() - begin
    sizes = {name: sum(path.stat().st_size for path in lake.files(f"gold/{name}", lake.version(f"gold/{name}"))) for name in _PUBLISHED}
    return {
        "publish_seconds": round(seconds, 1),
        "bytes": sizes,
        "bytes_per_movement": round(sizes["serial_movements"] / publication.rows["serial_movements"], 2),
        "files": len(lake.files("gold/serial_movements", lake.version("gold/serial_movements"))),
    }


def look_ups(home: Home) -> dict:
    """Milliseconds of looking up a card, and card and history, in the published file, over a thousand random units; and by views."""
    quick, by_views = _look_ups(home, _QUICKLY, _LOOK_UPS), _look_ups(home, _BY_VIEWS, _LOOK_UPS // 5)
    return {**quick, **{f"views_{name}": value for name, value in by_views.items()}}


def _look_ups(home: Home, queries: tuple[str, str], count: int) -> dict:
    with reading(home.published) as connection:
        sample = f"select serial_number from serials using sample reservoir({count + _WARM} rows) repeatable (7)"
        cards, both = [], []
        for (serial,) in connection.execute(sample).fetchall():
            begin = time.perf_counter()
            card = connection.execute(queries[0], [serial]).fetchall()
            cards.append(1000 * (time.perf_counter() - begin))
            history = connection.execute(queries[1], [serial]).fetchall()
            both.append(1000 * (time.perf_counter() - begin))
            if not card or not history:
                raise AssertionError(f"unit {serial} has {len(card)} cards and {len(history)} movements")
    return {**_spread("card_", cards[_WARM:]), **_spread("", both[_WARM:])}


def _spread(name: str, taken: list[float]) -> dict[str, float]:
    return {f"{name}median_ms": round(statistics.median(taken), 1), f"{name}p99_ms": round(sorted(taken)[int(len(taken) * 0.99)], 1)}


def as_of(home: Home) -> dict:
    """Seconds for the stock of one site at a moment: the median of five sites."""
    with reading(home.published) as connection:
        first, last = connection.execute("select min(valid_from_at), max(valid_from_at) from serial_stays").fetchone()
        taken = []
        for number in range(5):
            begin = time.perf_counter()
            found = connection.execute(_AS_OF, [first + (last - first) * (number + 20) / 25, f"S{110 + number}"]).fetchall()
            taken.append(time.perf_counter() - begin)
            if not found:
                raise AssertionError(f"site S{110 + number} has no stock at any time")
    return {"as_of_seconds": round(statistics.median(taken), 2), "units": found[0][1]}


# The last movement is found by a join, as in int_serial_states; by windows Spark took no less.
_STATE = """
with summarised as (
    select article_id, serial_number, max(sequence_number) as sequence_number, min(movement_date) as first_movement_date,
        count(*) as movement_count, count(conflict_code) as conflict_count
    from movements group by article_id, serial_number
)
select last.article_id, last.serial_number, last.to_site_id as site_id, last.to_storage_location_id as storage_location_id, last.unit_state,
    last.status_code, last.stock_type_code, last.batch_id, last.vendor_id, last.customer_id, last.moved_at as last_moved_at,
    last.movement_type as last_movement_type, last.document_id as last_document_id, first_movement_date, movement_count, conflict_count
from summarised
inner join movements as last
    on summarised.article_id = last.article_id and summarised.serial_number = last.serial_number
    and summarised.sequence_number = last.sequence_number
"""
_PLACE = ("unit_state", "to_site_id", "to_storage_location_id", "stock_type_code", "special_stock_code", "vendor_id", "customer_id")
_PLACE_OR_BLANK = ", ".join(f"coalesce({column}, '')" for column in _PLACE)
_UNIT = "article_id, serial_number"
_STAY = f"""
{_UNIT}, unit_state, to_site_id as site_id, to_storage_location_id as storage_location_id, stock_type_code, vendor_id, customer_id
"""
_IN_ORDER = f"partition by {_UNIT} order by sequence_number"
_COMPARED = f"""
select {_STAY}, row_number() over ({_IN_ORDER}) as stay_number, moved_at as valid_from_at,
    lead(moved_at) over ({_IN_ORDER}) as valid_to_at
from (
    select *, lag(place) over ({_IN_ORDER}) as place_before
    from (select *, concat_ws('|', {_PLACE_OR_BLANK}) as place from {{movements}}) as placed
) as compared where place_before is null or place_before <> place
"""
# Spark sorts once for all windows of one order. DuckDB sorts for each, and so finds the next movement by a join, as serial_stays does;
# only units with a movement that leaves them where they were are gone through by windows.
_STAYS_BY_WINDOWS = _COMPARED.format(movements="movements")
_STAYS_BY_JOIN = f"""
with placed as (
    select {_UNIT}, sequence_number, {", ".join(_PLACE)}, moved_at, hash({_PLACE_OR_BLANK}) as place_hash from movements
),
followed as materialized (
    select placed.*, following.moved_at as next_moved_at, following.place_hash as next_place_hash
    from placed left join placed as following
        on placed.article_id = following.article_id and placed.serial_number = following.serial_number
        and placed.sequence_number + 1 = following.sequence_number
),
idle as materialized (select distinct {_UNIT} from followed where place_hash = next_place_hash)
select {_STAY}, sequence_number as stay_number, moved_at as valid_from_at, next_moved_at as valid_to_at
from followed anti join idle using ({_UNIT})
union all
{_COMPARED.format(movements=f"(from followed semi join idle using ({_UNIT}))")}
"""
_QUERIES = {"serials": (_STATE, _STATE), "serial_stays": (_STAYS_BY_JOIN, _STAYS_BY_WINDOWS)}
"""Each table's SQL for DuckDB, and for Spark."""
_SAME = {"serials": "site_id, unit_state, movement_count", "serial_stays": "site_id, unit_state, stay_number, valid_from_at, valid_to_at"}
"""What both must say of each unit, or their times say nothing."""

_SPARK = """
import sys, time
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master("local[2]").config("spark.driver.memory", "6g").config("spark.sql.shuffle.partitions", sys.argv[1])
    .config("spark.local.dir", sys.argv[2]).config("spark.ui.enabled", "false").config("spark.sql.session.timeZone", "UTC").getOrCreate())
spark.sparkContext.setLogLevel("ERROR")
spark.read.parquet(*sys.argv[5].split(",")).createOrReplaceTempView("movements")
begin = time.perf_counter()
spark.sql(sys.argv[3]).write.mode("overwrite").parquet(sys.argv[4])
print(time.perf_counter() - begin)
"""


def spark_against_duckdb(home: Home) -> dict:
    """Seconds of the same two tables from the same Parquet files, each written to Parquet: by Spark SQL local[2], and by DuckDB.

    DuckDB takes units in as many ranges as fit into its memory, as the ledger's own build does; Spark cuts its work into pieces by itself.
    """
    lake, table = Lake(home.lake), "gold/serial_movements"
    files = [str(path) for path in lake.files(table, lake.version(table))]
    rows = duckdb.execute("select count(*) from read_parquet(?)", [files]).fetchone()[0]
    found = {"rows": rows}
    for name, (our_sql, their_sql) in _QUERIES.items():
        with tempfile.TemporaryDirectory(dir=home.root) as folder:
            begin = time.perf_counter()
            _by_duckdb(files, our_sql, folder, ranges=rows // _ROWS_IN_MEMORY + 1)
            ours = time.perf_counter() - begin
            partitions = str(max(4, rows // 1_000_000))
            command = [sys.executable, "-c", _SPARK, partitions, f"{folder}/spark", their_sql, f"{folder}/theirs", ",".join(files)]
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            content = f"count(*), sum(hash(article_id, serial_number, {_SAME[name]}))::varchar"
            both = [
                duckdb.execute(f"select {content} from read_parquet('{folder}/{each}.parquet')").fetchone()
                for each in ("ours-*", "theirs/*")
            ]
        if both[0] != both[1]:
            raise AssertionError(f"{name}: DuckDB and Spark differ: {both[0]} and {both[1]}")
        found |= {f"{name}_duckdb_seconds": round(ours, 1), f"{name}_spark_seconds": round(float(told), 1)}
    return found


def _by_duckdb(files: list[str], sql: str, folder: str, *, ranges: int) -> None:
    """Write what the query gives, one range of units after the other."""
    with duckdb.connect(config={**_LIMITS, "temp_directory": folder}) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"create view every_movement as from read_parquet({files})")
        serials = "select serial_number from every_movement using sample reservoir(10000 rows) repeatable (7)"
        sample = [serial for (serial,) in connection.execute(f"select * from ({serials}) order by all").fetchall()]
        bounds = ["", *(sample[len(sample) * at // ranges] for at in range(1, ranges)), "\U0010ffff"]
        for number, (low, high) in enumerate(pairwise(bounds)):
            within = f"serial_number >= '{low}' and serial_number < '{high}'"
            connection.execute(f"create or replace view movements as from every_movement where {within}")
            connection.execute(f"copy ({sql}) to '{folder}/ours-{number}.parquet' (format parquet)")
