"""Table extracts of SAP: files by name and settings, ECC and S/4HANA, full and delta loads, and what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import BytesIO

import polars as pl
import pytest

from pipelines.contracts import ContractError
from pipelines.sources import extract, read_extract_settings

EXTRACTS = ("ekbe", "ekko", "ekpo", "kna1", "lfa1", "makt", "mara", "marc", "matdoc", "t001w")
"""Tables of the public extracts that have a contract."""

EUROPE = """
files: east/**
numbers: "1.234,56"
dates: DD.MM.YYYY
separator: ";"
encoding: cp1252
changes: {column: ZCHG, deleted: [LOE, "1"], before: [ALT]}
loads: {EQBS: full}
tables: {"bewegungen_*": MSEG}
columns: {MSEG: {Menge Basis: MENGE}}
"""


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


@pytest.fixture
def settings(tmp_path, contracts):
    def settings(text: str):
        folder = tmp_path / "contracts"
        folder.mkdir(exist_ok=True)
        (folder / "east.extracts.yaml").write_text(text)
        return read_extract_settings(folder, contracts)

    return settings


MSEG = "MANDT;MBLNR;MJAHR;ZEILE;BWART;MATNR;WERKS;SHKZG;Menge Basis;BUDAT_MKPF;SGTXT;ZCHG\n"


def test_a_file_is_read_in_its_systems_own_forms(read, settings):
    content = MSEG + "100;4900000001;2026;1;101;000000000000400558;DC01;S;1.200,000;03.04.2026;Ger\u00e4te f\u00fcr M\u00fcnchen;\n"
    rows = read("east/bewegungen_2026.txt", content.encode("cp1252"), settings=settings(EUROPE)).accepted["sap/mseg"]
    assert rows.select("mblnr", "mjahr", "zeile", "menge", "budat_mkpf", "change_mode").rows() == [
        ("4900000001", 2026, 1, Decimal("1200.000"), date(2026, 4, 3), None)
    ]


def test_a_configured_column_marks_what_is_gone_and_what_was(read, settings):
    lines = ["100;49;2026;1;;;;;;;;LOE", "100;49;2026;2;;;;;;;;ALT", "100;49;2026;3;101;A;DC01;S;1;;;NEU"]
    rows = read("east/mseg_1.csv", MSEG + "\n".join(lines), settings=settings(EUROPE)).accepted["sap/mseg"]
    assert rows.select("zeile", "change_mode").rows() == [(1, "D"), (2, "X"), (3, None)]


def test_a_row_that_is_there_needs_more_than_its_key(read, settings, refused):
    extracted = read("east/mseg_1.csv", MSEG + "100;49;2026;3;101;;DC01;S;1;;;", settings=settings(EUROPE))
    assert refused(extracted)["reason"] == (
        "matnr in line 2 is blank, but sap/mseg needs it (Article number); fill it at the source and deliver the record again."
    )


def test_a_number_of_another_form_is_refused_with_the_form_that_was_expected(read, settings, refused):
    row = refused(read("east/mseg_1.csv", MSEG + "100;49;2026;3;101;A;DC01;S;1.5;;;", settings=settings(EUROPE)))
    assert (row["reason_code"], row["field"], row["line"]) == ("bad_number", "menge", 2)
    assert row["reason"].startswith("menge in line 2 is '1.5', which is")
    assert "no number in the form 1.234,56 that east.extracts.yaml names" in row["reason"]


def test_a_mark_that_is_configured_cannot_be_missing_in_a_delta_load(read, settings, refused):
    row = refused(read("east/mseg_1.csv", MSEG.replace(";ZCHG", ""), settings=settings(EUROPE)))
    assert (row["reason_code"], row["reason"].split(":")[0]) == ("column_missing", "The file lacks the required column zchg")


def test_a_full_load_needs_no_mark_and_says_so_in_every_row(read, settings):
    extracted = read("east/eqbs_1.csv", "EQUNR;LBBSA;B_WERK\n1;01;DC01\n2;06;DC01\n", settings=settings(EUROPE))
    assert extracted.accepted["sap/eqbs"]["change_mode"].to_list() == ["F", "F"]


@pytest.mark.parametrize(
    ("header", "rows", "modes"),
    [
        ("ODQ_CHANGEMODE,ODQ_ENTITYCNTR", ["C,1", "U,1", "U,-1", "D,-1", ",0"], [None, None, "X", "D", None]),
        ("ODQ_CHANGEMODE", ["C", "U", "D"], [None, None, "D"]),
        ("ROCANCEL", ["", "X", "D", "R", "N"], [None, "X", "D", "D", None]),
        ("RECORDMODE", ["", "D"], [None, "D"]),
        ("CHANGE_MODE", ["", "F", "D", "x"], [None, "F", "D", "X"]),
        ("EXTRA", ["1"], [None]),
    ],
)
def test_the_marks_of_odp_and_bw_are_known(read, header, rows, modes):
    content = f"OBKNR,OBZAE,MATNR,SERNR,TASER,{header}\n" + "\n".join(f"1,{n},A,S,SER03,{row}" for n, row in enumerate(rows))
    assert read("sap/objk_1.csv", content).accepted["sap/objk"]["change_mode"].to_list() == modes


def test_a_mark_that_nobody_knows_is_no_reason_to_drop_a_row(read, settings):
    told = settings("files: sap/**\nchanges: {column: ROCANCEL, deleted: [D]}\n")
    content = "OBKNR,OBZAE,MATNR,SERNR,TASER,ROCANCEL\n1,1,A,S,SER03,Z\n"
    assert read("sap/objk_1.csv", content, settings=told).accepted["sap/objk"]["change_mode"].to_list() == [None]


@pytest.mark.parametrize("obknr", ["0000000007", "9223372036854775807"])
def test_an_object_list_has_a_number_of_ecc_or_of_s4(read, obknr):
    rows = read("sap/objk_1.csv", f"OBKNR,OBZAE,MATNR,SERNR,TASER\n{obknr},1,{'0' * 34}400558,S1,SER03\n").accepted["sap/objk"]
    assert rows.select("obknr", "matnr").rows() == [(int(obknr), "0" * 34 + "400558")]


@pytest.mark.parametrize("name", ["sap/mara_1.parquet", "sap/ecc/2026/mara_1.parquet", "SAP/MARA.PARQUET"])
def test_a_parquet_file_is_read_by_its_own_types(read, name):
    frame = pl.DataFrame({"MATNR": ["400558"], "ERSDA": [date(2026, 1, 31)], "LVORM": [None], "EXTRA": [[1, 2]]})
    rows = read(name, parquet(frame)).accepted["sap/mara"]
    assert rows.select("matnr", "ersda", "lvorm", "_line").rows() == [("400558", date(2026, 1, 31), None, 1)]


def test_a_parquet_file_of_texts_has_the_forms_of_its_settings(read, settings):
    frame = pl.DataFrame({"matnr": ["1", "2"], "werks": ["DC01", "DC01"], "eisbe": ["1.000,5-", "x"]})
    extracted = read("sap/marc_1.parquet", parquet(frame), settings=settings('files: sap/**\nnumbers: "1.234,56"\n'))
    assert extracted.accepted["sap/marc"]["eisbe"].to_list() == [Decimal("-1000.500")]
    assert extracted.quarantined.select("line", "field", "reason_code").rows() == [(2, "eisbe", "bad_number")]


def test_a_parquet_file_without_a_required_column_is_refused_by_its_name(read, refused):
    row = refused(read("sap/objk_1.parquet", parquet(pl.DataFrame({"obknr": [1], "obzae": [1], "matnr": ["A"], "sernr": ["S"]}))))
    assert (row["table_name"], row["reason_code"]) == ("sap/objk", "column_missing")
    assert row["reason"].startswith("The file lacks the required column taser:")


def test_a_damaged_parquet_file_is_refused_whole(read, refused):
    assert refused(read("sap/mara_1.parquet", b"PAR1 and no more"))["reason_code"] == "malformed_parquet"


def test_a_restricted_value_of_a_refused_row_is_not_shown(read, refused):
    frame = pl.DataFrame({"obknr": [1], "mblnr": ["49"], "mjahr": ["no year"], "zeile": [1], "kunde": ["4711"]})
    row = refused(read("sap/ser03_1.parquet", parquet(frame)))
    assert (row["field"], "4711" in row["raw_record"], '"kunde":"***"' in row["raw_record"]) == ("mjahr", False, True)


def test_bytes_of_another_encoding_than_told_refuse_the_file(read, settings, refused):
    row = refused(read("sap/mara_1.csv", b"MATNR\n\xff\n", settings=settings("files: sap/**\nencoding: ascii\n")))
    assert (row["reason_code"], row["reason"].split(",")[0]) == ("wrong_encoding", "Byte 6 (0xFF")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "cp1252"])
def test_every_encoding_that_python_knows_is_read(read, settings, encoding):
    content = "MATNR,SPRAS,MAKTX\n1,DE,Ger\u00e4t\n".encode(encoding)
    told = settings(f"files: sap/**\nencoding: {encoding}\n")
    assert read("sap/makt_1.csv", content, settings=told).accepted["sap/makt"]["maktx"].to_list() == ["Ger\u00e4t"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("numbers: '1.234,56'", "files is missing"),
        ("files: sap/**\nnumbers: 1.234,567", "numbers is '1.234,567'; write one of 1234.56"),
        ("files: sap/**\ndates: dd.mm.yyyy", "dates is 'dd.mm.yyyy'; write one of YYYYMMDD"),
        ("files: sap/**\nencoding: latin-99", "encoding is 'latin-99', which Python does not know"),
        ("files: sap/**\nseparator: ';;'", "separator is ';;'; write one character"),
        ("files: sap/**\nloads: {EQBS: often}", "loads has often; write full or delta"),
        ("files: sap/**\nloads: {EQBX: full}", "no table is called EQBX; there are ekbe"),
        ("files: sap/**\ntables: {'x*': VBAK}", "no table is called VBAK"),
        ("files: sap/**\nchanges: {deleted: [D]}", "changes has no column"),
        ("files: sap/**\ncolumns: {MSEG: BUDAT}", "columns is to name, by table"),
        ("files: sap/**\nfiels: x", "no setting is called fiels; there are files"),
        ("files: [sap]", "files is to be a text in quotes"),
        ("- a", "no settings; write at least"),
        ("files: 'sap", "no YAML that can be read"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_by_name(settings, text, problem):
    with pytest.raises(ContractError, match=r"east\.extracts\.yaml") as error:
        settings(text)
    assert problem in str(error.value)


def test_real_extracts_are_read_as_they_are(shared_data, contracts, settings, check):
    """Their values are made up or hashed: with `unreadable: blank` every row that has its key is taken."""
    told = settings("files: sap/**\nunreadable: blank\n")
    taken = {}
    for table in EXTRACTS:
        path = shared_data / "sap_tables" / f"{table}.csv"
        extracted = check(extract(path, f"sap/{table}.csv", contracts=contracts, settings=told), contracts)
        taken[table] = (extracted.records_in, extracted.records_accepted, extracted.quarantined["reason_code"].to_list())
    blank = "required_missing"
    assert taken == {
        "ekbe": (2, 2, []),
        "ekko": (2, 2, []),
        "ekpo": (3, 3, []),
        "kna1": (3, 3, []),
        "lfa1": (3, 3, []),
        "makt": (3, 3, []),
        "mara": (2, 2, []),
        "marc": (1, 0, [blank]),
        "matdoc": (1, 0, [blank]),
        "t001w": (2, 2, []),
    }
