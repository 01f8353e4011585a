"""Routing: which reader takes a file, and what is said where none does."""

from __future__ import annotations

import pytest

from pipelines.sources import extract
from pipelines.sources.patterns import matches


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("a.xml", "**/*.xml", True),
        ("sap/idoc/a.xml", "**/*.xml", True),
        ("sap/mara_1.csv", "sap/mara*.csv", True),
        ("SAP/MARA_1.CSV", "sap/mara*.csv", True),
        ("sap/old/mara_1.csv", "sap/mara*.csv", False),
        ("x/sap/mara_1.csv", "sap/mara*.csv", False),
        ("sap/mara_1.csv.bak", "sap/mara*.csv", False),
        ("sap/maraXcsv", "sap/mara*.csv", False),
        ("backblaze/2013/a.parquet", "backblaze/**/*.parquet", True),
        ("backblaze/a.parquet", "backblaze/**/*.parquet", True),
        ("backblaze/deep/a.parquet", "backblaze/**", True),
        ("a1.csv", "a?.csv", True),
        ("a/.csv", "a?.csv", False),
        ("a[1].csv", "a[1].csv", True),
    ],
)
def test_a_pattern_fits_the_whole_name(name, pattern, fits):
    assert matches(name, pattern) is fits


@pytest.mark.parametrize("name", ["sap/idoc/we60.txt", "handhelds/scan_1.jsonl", "sap/mara_1.csv.gz", "README"])
def test_a_file_that_nobody_claims_is_refused_with_what_would_be_claimed(read, refused, name):
    extracted = read(name, "BEGIN_RECORD_SECTION\n  BEGIN_CONTROL_RECORD\n")
    row = refused(extracted)
    assert (row["reason_code"], row["table_name"], extracted.refused_whole) == ("unknown_feed", None, True)
    assert f"No contract claims the file {name}" in row["reason"]
    assert "handheld/scans*.jsonl" in row["reason"]
    assert "add a mapping contract" in row["reason"]
    assert row["raw_record"].startswith("BEGIN_RECORD_SECTION")


def test_a_misspelt_folder_is_answered_with_the_closest_pattern(read, refused):
    assert "closest: handheld/scans*.jsonl" in refused(read("handhelds/scans_1.jsonl", "{}"))["reason"]


def test_a_mapping_goes_before_a_source_contract(read, mappings, refused):
    ours = next(mapping for mapping in mappings if mapping.document.name == "backblaze")
    ours.document.servers[0].path, kept = "sap/mara*.csv", ours.document.servers[0].path
    try:
        row = refused(read("sap/mara_1.csv", "MATNR\n1\n", mappings=[ours]))
    finally:
        ours.document.servers[0].path = kept
    assert (row["table_name"], row["reason_code"]) == ("tabular/movements", "malformed_parquet")


def test_binary_content_is_kept_readable(read, refused):
    row = refused(read("photos/unit.jpg", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 1000))
    assert row["reason_code"] == "unknown_feed"
    assert 0 < len(row["raw_record"]) <= 65_536


def test_a_file_that_vanished_raises(tmp_path, contracts):
    for name in ("a.xml", "handheld/scans_1.jsonl", "wms/counts_1.csv", "other.bin"):
        with pytest.raises(FileNotFoundError):
            extract(tmp_path / name, name, contracts=contracts)
