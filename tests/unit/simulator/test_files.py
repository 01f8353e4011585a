"""The written files: byte-identical between runs, well-formed, in the shape of the samples, complete."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
from lxml import etree

from pipelines.simulator import World, simulate, write
from pipelines.simulator.shaping import contracts
from pipelines.sources.patterns import matches
from tests.unit.simulator.conftest import SMALL

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "idoc" / "synthetic"


def _hashes(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_second_run_writes_the_same_bytes(written: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    count = write(simulate(SMALL), tmp_path / "landing", tmp_path / "truth", on_file=seen.append)
    first, second = _hashes(written / "landing"), _hashes(tmp_path / "landing")
    assert first == second
    assert count == len(second)
    assert seen == list(range(1, count + 1))


def test_no_temporary_file_is_left(written: Path) -> None:
    assert list(written.rglob("*.part")) == []


def test_every_record_has_its_file(world: World, written: Path) -> None:
    named = {name for frame in world.feeds.values() for name in frame["_file"].unique()}
    copies = set(world.truth["duplicate_files"].filter(pl.col("kind") == "exact_copy")["duplicate_file"])
    assert {str(p.relative_to(written / "landing")) for p in (written / "landing").rglob("*") if p.is_file()} == named | copies


def test_names_of_files_match_the_contracts(world: World) -> None:
    for table, frame in world.feeds.items():
        patterns = [pattern for pattern, _ in contracts()[table].landing_patterns]
        assert all(any(matches(name, pattern) for pattern in patterns) for name in frame["_file"].unique()), table


def _segments(written: Path, pattern: str, tag: str) -> int:
    return sum(
        len(etree.parse(path).findall(f".//{tag}")) for path in (written / "landing/sap/idoc").glob(pattern) if "_copy" not in path.name
    )


@pytest.mark.parametrize(
    ("table", "segment", "column"),
    [
        ("sap/goods_movements", ("mbgmcr_*.xml", "E1BP2017_GM_SERIALNUMBER"), "serialno"),
        ("sap/deliveries", ("delvry_*.xml", "E1EDL11"), "sernr"),
        ("sap/handling_units", ("delvry_*.xml", "E1EDL44"), "exidv"),
        ("pos/receipts", ("wpubon_*.xml", "E1WPB02"), "artnr"),
    ],
)
def test_xml_holds_as_many_segments_as_the_feed_has_rows(
    world: World, written: Path, table: str, segment: tuple[str, str], column: str
) -> None:
    assert _segments(written, *segment) == world.feeds[table][column].count()


def _paths(root: etree._Element) -> set[str]:
    tree = root.getroottree()
    paths = {tree.getpath(e) for e in root.iter()}
    return {"/".join(part.split("[")[0] for part in path.split("/")[2:]) for path in paths}


@pytest.mark.parametrize(
    ("sample", "pattern", "absent"),
    [
        ("MBGMCR03_311_transfer.xml", "mbgmcr_HANDHELD_*.xml", set()),
        ("MBGMCR03_541_out_to_vendor.xml", "mbgmcr_HANDHELD_*.xml", set()),
        ("MBGMCR03_561_initial_load.xml", "mbgmcr_MIGRATION_*.xml", set()),
        # Names and addresses of partners are never written; the order stands in E1EDL43.
        (
            "DELVRY07_DESADV_serials.xml",
            "delvry_*.xml",
            {"NAME1", "CITY1", "COUNTRY1", "E1EDL41", "QUALI", "BSTNR", "POSEX"},
        ),
        ("WPUBON01_sale_and_return.xml", "wpubon_*.xml", {"VORGANGART"}),
    ],
)
def test_idocs_have_the_shape_of_the_samples(written: Path, sample: str, pattern: str, absent: set[str]) -> None:
    if not SAMPLES.exists():
        pytest.skip(f"the sample IDocs are not at {SAMPLES}")
    control = {"EDI_DC40/DOCREL", "EDI_DC40/STATUS", "EDI_DC40/STDMES"}
    wanted = {
        p for p in _paths(etree.parse(SAMPLES / sample).getroot()) if not p.endswith(tuple(control)) and not set(p.split("/")) & absent
    }
    mine: set[str] = set()
    for path in sorted((written / "landing/sap/idoc").glob(pattern)):
        mine |= _paths(etree.parse(path).getroot())
    assert wanted - mine == set()


def test_text_with_special_characters_is_escaped(written: Path) -> None:
    texts = {
        node.text
        for path in sorted((written / "landing/sap/idoc").glob("delvry_*.xml"))[:12]
        for node in etree.parse(path).iter("ARKTX")
    }  # fmt: skip
    assert "Case & Cover <slim>" in texts


def test_serials_follow_all_items_and_refer_to_them(written: Path) -> None:
    for path in sorted((written / "landing/sap/idoc").glob("mbgmcr_*.xml"))[:20]:
        for document in etree.parse(path).iter("E1MBGMCR"):
            tags = [child.tag for child in document if child.tag in ("E1BP2017_GM_ITEM_CREATE", "E1BP2017_GM_SERIALNUMBER")]
            assert tags == sorted(tags)
            items = tags.count("E1BP2017_GM_ITEM_CREATE")
            assert all(1 <= int(node.text) <= items for node in document.iter("MATDOC_ITM"))


def test_movement_items_carry_the_valuation_type_as_batch(world: World, written: Path) -> None:
    found = _segments(written, "mbgmcr_*.xml", "BATCH")
    rows = world.feeds["sap/goods_movements"].filter(pl.col("batch").is_not_null())
    assert found == rows.select("_file", "docnum", "matdoc_itm").unique().height


def test_some_units_are_named_by_their_uii_alone(world: World, written: Path) -> None:
    units = [u for path in (written / "landing/sap/idoc").glob("delvry_*.xml") for u in etree.parse(path).iter("E1EDL11")]
    empty = [u for u in units if not u.findtext("SERNR")]
    assert 0 < len(empty) < 0.05 * len(units)
    assert all(u.findtext("UII") for u in empty)
    named = {u.findtext("SERNR") or u.findtext("UII") for u in units}
    assert named == set(world.feeds["sap/deliveries"]["sernr"].drop_nulls())


def test_scans_are_json_lines_without_nulls(world: World, written: Path) -> None:
    rows = [
        json.loads(line)
        for path in (written / "landing/handheld").glob("scans_*.jsonl")
        if "_copy" not in path.name
        for line in path.open()
    ]
    assert len(rows) == world.feeds["handheld/scans"].height
    assert all(value is not None for row in rows for value in row.values())
    assert all(row["scanned_at"].endswith("Z") for row in rows)


def test_sap_extracts_have_upper_case_headers_and_sap_dates(written: Path) -> None:
    frame = pl.read_csv(written / "landing/sap/mara_20260302.csv", infer_schema=False)
    assert frame.columns == [name.upper() for name in contracts()["sap/mara"].polars_schema if name != "change_mode"]
    assert set(frame["EXTRACT_DATE"]) == {"20260302"}
    assert set(frame["MATNR"].str.len_chars()) == {18}


def test_truth_is_written_as_parquet(world: World, written: Path) -> None:
    assert {p.stem for p in (written / "truth").glob("*.parquet")} == set(world.truth)
    assert pl.read_parquet(written / "truth/units.parquet").equals(world.truth["units"])
