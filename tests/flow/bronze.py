"""Ledgers from rows of bronze tables: what a test says was delivered, night by night, built by dbt and read back.

Rows go past the readers, so that a test says in one line what a document said. The whole way is in test_sample_world.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
import polars as pl

from pipelines.contracts import published_contracts, source_contracts
from pipelines.home import Home, project_root
from pipelines.ingest import ensure_tables
from pipelines.lake import LINEAGE_SCHEMA, Lake
from pipelines.warehouse import install_delta_extension

CONTRACTS = source_contracts()
MARTS = published_contracts(written_by="dbt")
Night = Mapping[str, Sequence[Mapping[str, object]]]


def empty_lake(folder: Path) -> tuple[Home, Lake]:
    """A home with all bronze tables, and nothing in them."""
    home = Home(folder / "home")
    for each in (home.landing, home.lake):
        each.mkdir(parents=True)
    lake = Lake(home.lake)
    install_delta_extension()
    ensure_tables(lake, CONTRACTS)
    return home, lake


def movement(document: str, item: int, kind: str, serial: str, *, day: date, article="A1", site="DC01", **other) -> dict:
    """One serial number of one item of a goods movement."""
    return {
        "docnum": document,
        "idoctyp": "MBGMCR03",
        "mestyp": "MBGMCR",
        "sndprn": "E01",
        "credat": day,
        "cretim": "080000",
        "pstng_date": day,
        "doc_date": day,
        "ref_doc_no": f"M{document}",
        "matdoc_itm": item,
        "material": article,
        "plant": site,
        "stge_loc": "0001",
        "move_type": kind,
        "entry_qnt": 1,
        "serialno": serial,
        **other,
    }


def append(lake: Lake, night: Night, number: int) -> None:
    """Deliver a night's rows, at two o'clock of the `number`th night."""
    for table, rows in night.items():
        schema = CONTRACTS[table].polars_schema
        assert {name for row in rows for name in row} <= schema.keys(), table
        name = f"{table}/{number}"
        lineage = {
            "_load_id": pl.lit(name),
            "_file": pl.lit(name),
            "_line": pl.int_range(pl.len(), dtype=pl.Int64),
            "_ingested_at": datetime(2026, 3, 9 + number, 2),
        }
        frame = pl.DataFrame(
            rows, schema_overrides={k: v for k, v in schema.items() if k in rows[0]}, strict=False, infer_schema_length=None
        )
        frame = frame.select(*(pl.col(k).cast(v) if k in frame.columns else pl.lit(None, v).alias(k) for k, v in schema.items()))
        lake.append_once(f"bronze/{table}", frame.with_columns(**lineage).select(*schema, *LINEAGE_SCHEMA), [name])


def build(home: Home, *options: str) -> None:
    """Run dbt, without its unit tests."""
    target = str(home.root / "dbt_target")
    command = [
        str(Path(sys.executable).with_name("dbt")),
        "--quiet",
        "build",
        "--exclude-resource-type",
        "unit_test",
        "--profiles-dir",
        ".",
    ]
    built = subprocess.run(
        [*command, "--target-path", target, "--log-path", target, *options],
        cwd=project_root() / "dbt_project",
        env=os.environ | {"SERIALAKE_HOME": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout[-4000:]


def content(home: Home, names: Sequence[str] = tuple(MARTS)) -> dict[str, pl.DataFrame]:
    """The marts by name, all that dbt writes unless some are named, but for the moments of ingestion."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return {
            name: connection.sql(f"select * exclude (ingested_at) from marts.{name} order by all").pl()
            if "ingested_at" in {c.name for c in contract.columns}
            else connection.sql(f"select * from marts.{name} order by all").pl()
            for name, contract in MARTS.items()
            if name in names
        }
