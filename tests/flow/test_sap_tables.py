"""Table extracts of SAP in whole flows: what the tables say of a unit is what the IDocs said, and one movement is one movement."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from pipelines.home import Home
from pipelines.simulator import SimulationConfig, simulate, write
from pipelines.warehouse import query
from tests.flow.conftest import must_run, prepared

pytestmark = pytest.mark.slow

WORLD = {"days": 45, "stores": 3, "articles": 4, "seed": 5, "scale": 0.2}
TABLES = ("mkpf", "mseg", "matdoc", "ser03", "objk")
LEDGER = ("serial_movements", "serials", "serial_stays")
POSTED = 5239
"""Movements that the ERP posted in this world; three more are told by scans alone."""
NOT_IN_TABLES = ("handling_unit_id",)
"""What only a delivery's IDoc tells here: the extracts hold no handling units."""
TELLERS = ("witness_count", "witness_names", "last_witness_names", "material_document_id", "document_item", "file", "line", "ingested_at")
"""Columns that say who told a movement, and at which line of whose document; a transfer has two lines in SAP and one in an IDoc."""


@pytest.fixture(scope="module")
def delivered(tmp_path_factory) -> dict[str, Path]:
    """All files of one world by the shape of its tables."""
    folders = {}
    for shape in ("ecc", "s4"):
        folders[shape] = tmp_path_factory.mktemp(shape)
        write(simulate(SimulationConfig(**WORLD, tables=shape)), folders[shape] / "landing", folders[shape] / "truth")
    return folders


def is_table(path: Path) -> bool:
    return path.name.split("_")[0] in TABLES


def is_idoc(path: Path) -> bool:
    return path.parent.name == "idoc"


def deliver(source: Path, home: Home, *, without=()) -> None:
    """Copy what no filter drops."""
    for path in sorted((source / "landing").rglob("*")):
        if path.is_file() and not any(drops(path) for drops in without):
            target = home.landing / path.relative_to(source / "landing")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def witnesses(home: Home) -> tuple[int, int]:
    """Movements that tables tell, and those of them that an IDoc tells too."""
    tables = "list_contains(string_split(witness_names, ','), 'sap_tables')"
    idocs = "list_has_any(string_split(witness_names, ','), ['sap', 'delivery', 'pos'])"
    return query(home.published, f"select count(*) filter ({tables}), count(*) filter ({tables} and {idocs}) from serial_movements").row(0)


def ledger(home: Home, table: str, without: tuple[str, ...]) -> pl.DataFrame:
    rows = query(home.published, f"select * from {table}")
    return rows.drop(*(name for name in without if name in rows.columns)).sort(pl.all())


@pytest.fixture(scope="module")
def idocs_only(tmp_path_factory, delivered) -> Home:
    with pytest.MonkeyPatch.context() as patch:
        home = prepared(tmp_path_factory.mktemp("idocs"), patch)
        deliver(delivered["ecc"], home, without=[is_table])
        must_run(home, "facts")
    return home


@pytest.mark.parametrize(("shape", "without"), [("ecc", [is_idoc]), ("s4", [is_idoc]), ("ecc", [])], ids=["ecc", "s4", "both"])
def test_tables_tell_of_every_unit_what_the_idocs_tell(delivered, idocs_only, tmp_path, monkeypatch, shape, without):
    home = prepared(tmp_path / "home", monkeypatch)
    deliver(delivered[shape], home, without=without)
    must_run(home, "facts")
    untold = (*TELLERS, *NOT_IN_TABLES) if is_idoc in without else TELLERS
    for table in LEDGER:
        ours, theirs = ledger(home, table, untold), ledger(idocs_only, table, untold)
        assert ours.height == theirs.height > 0, table
        different = [name for name in ours.columns if not ours[name].equals(theirs[name])]
        assert ours.equals(theirs), f"{table} differs in {different}"
    told, by_both = witnesses(home)
    assert (told, by_both) == (POSTED, POSTED if not without else 0)
