"""Master data as IDocs: the rows that the tables' extracts give, flat and XML alike, and nobody's name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.sources import extract
from pipelines.sources.idoc.layouts import parser_report, read_layouts, shipped_layouts
from pipelines.sources.idoc.tree import Idoc, Segment
from pipelines.sources.idoc.writer import write_flat, write_xml

CONTROL = {"TABNAM": "EDI_DC40", "DOCNUM": "0000000000000042", "SNDPRN": "ECC", "CREDAT": "20261103", "CRETIM": "120000"}
NO_LAYOUT = {
    "E1LFA1M": "E1LFA1M: {parents: [IDOC], fields: {MSGFN: 3, LIFNR: 10, NAME1: 35, LAND1: 3, REGIO: 3, ORT01: 35, KTOKK: 4}}",
    "E1BPE1MATHEAD": """E1BPE1MATHEAD: {parents: [IDOC], fields: {FUNCTION: 3, MATERIAL: 18, MATL_TYPE: 4, MATL_GROUP: 9, MATL_CAT: 2}}
E1BPE1VARKEY: {parents: [IDOC], fields: {FUNCTION: 3, MATERIAL: 18, VARIANT: 18}}
E1BPE1MARART: {parents: [IDOC], fields: {FUNCTION: 3, MATERIAL: 18, CREATED_ON: 8, BASE_UOM: 3, DEL_FLAG: 1, PROD_HIER: 18}}
E1BPE1MARART1: {parents: [E1BPE1MARART], fields: {MATERIAL_LONG: 40}}
E1BPE1MAKTRT: {parents: [IDOC], fields: {FUNCTION: 3, MATERIAL: 18, LANGU: 1, LANGU_ISO: 2, MATL_DESC: 40}}
E1BPE1MARCRT: {parents: [IDOC], fields: {FUNCTION: 3, MATERIAL: 18, PLANT: 4, SERNO_PROF: 4, SAFETY_STK: 15}}""",
}
"""Layouts as a user's parser report would give them, for types whose lengths nobody has published."""


def segment(name: str, *children: Segment, **fields: str) -> Segment:
    return Segment(name, 0, fields, children)


def idoc(basic_type: str, *segments: Segment, **control: str) -> Idoc:
    fields = {**CONTROL, "IDOCTYP": basic_type, "MESTYP": basic_type[:-2], **control}
    return Idoc(1, 1, basic_type, 0, Segment("EDI_DC40", 0, fields), segments)


@pytest.fixture
def layouts(tmp_path) -> Path:
    folder = tmp_path / "layouts"
    folder.mkdir()
    return folder


@pytest.fixture
def taken(tmp_path, contracts, check, layouts):
    """What an IDoc gives as XML, after it gave the same as a flat file."""

    def taken(*idocs: Idoc):
        known = read_layouts(layouts)
        flat, xml = tmp_path / "a.txt", tmp_path / "a.xml"
        flat.write_bytes(write_flat(idocs, layouts=known))
        xml.write_bytes(write_xml(idocs, layouts=known))
        of_flat, of_xml = (check(extract(path, path.name, contracts=contracts, layouts=layouts), contracts) for path in (flat, xml))
        assert of_flat.accepted.keys() == of_xml.accepted.keys()
        for table, frame in of_xml.accepted.items():
            assert of_flat.accepted[table].drop("_line").equals(frame.drop("_line")), table
        assert of_flat.quarantined.drop("line", "reason").equals(of_xml.quarantined.drop("line", "reason"))
        return of_xml

    return taken


ARTICLE = segment(
    "E1MARAM",
    segment("E1MAKTM", MSGFN="005", SPRAS="E", SPRAS_ISO="EN", MAKTX="Phone X 128 black"),
    segment("E1MAKTM", MSGFN="005", SPRAS="K", MAKTX="Telefon X"),
    segment("E1MARCM", segment("E1MARDM", MSGFN="005", LGORT="0001"), MSGFN="005", WERKS="S101", SERNP="0003", PLIFZ="14", MABST="12.000"),
    segment("E1MBEWM", MSGFN="005", BWKEY="S101"),
    MSGFN="005",
    MATNR="000000000000400558",
    ERSDA="20260901",
    MTART="HAWA",
    MATKL="PHONE",
    MEINS="EA",
    EAN11="4006381333931",
    SERLV="1",
)


def test_an_article_gives_a_row_of_each_of_its_tables(taken):
    tables = taken(idoc("MATMAS05", ARTICLE)).accepted
    assert sorted(tables) == ["sap/makt", "sap/mara", "sap/marc"]
    assert tables["sap/mara"].select("matnr", "ersda", "mtart", "matkl", "meins", "ean11", "serlv", "extract_date").rows() == [
        ("000000000000400558", date(2026, 9, 1), "HAWA", "PHONE", "EA", "4006381333931", "1", date(2026, 11, 3))
    ]
    assert tables["sap/makt"].select("matnr", "spras", "maktx").rows() == [
        ("000000000000400558", "EN", "Phone X 128 black"),
        ("000000000000400558", "K", "Telefon X"),
    ]
    assert tables["sap/marc"].select("matnr", "werks", "sernp", "plifz", "mabst", "extract_date").rows() == [
        ("000000000000400558", "S101", "0003", 14, Decimal("12.000"), date(2026, 11, 3))
    ]


def test_a_long_article_number_goes_before_the_short_one(taken):
    article = segment("E1MARAM", segment("E1MAKTM", SPRAS_ISO="EN", MAKTX="x"), MATNR="SHORT", MATNR_LONG="A-NUMBER-OF-MORE-THAN-EIGHTEEN")
    tables = taken(idoc("MATMAS05", article)).accepted
    assert tables["sap/mara"]["matnr"].to_list() == tables["sap/makt"]["matnr"].to_list() == ["A-NUMBER-OF-MORE-THAN-EIGHTEEN"]


def test_several_articles_in_an_idoc_keep_their_own_texts(taken):
    articles = [segment("E1MARAM", segment("E1MAKTM", SPRAS_ISO="EN", MAKTX=name), MATNR=name) for name in "AB"]
    assert taken(idoc("MATMAS03", *articles)).accepted["sap/makt"].select("matnr", "maktx").rows() == [("A", "A"), ("B", "B")]


def test_a_deleted_article_is_flagged_and_a_deleted_text_is_refused(taken):
    article = segment("E1MARAM", segment("E1MAKTM", MSGFN="003", SPRAS_ISO="EN", MAKTX="x"), MSGFN="003", MATNR="A1")
    extracted = taken(idoc("MATMAS05", article))
    assert extracted.accepted["sap/mara"].select("matnr", "lvorm").rows() == [("A1", "X")]
    row = extracted.quarantined.row(0, named=True)
    assert (row["table_name"], row["reason_code"], row["segment"]) == ("sap/makt", "deletion_not_taken", "E1MAKTM[1]")


def test_a_text_without_its_language_is_refused_alone(taken):
    article = segment("E1MARAM", segment("E1MAKTM", MAKTX="x"), MATNR="A1")
    extracted = taken(idoc("MATMAS05", article))
    assert extracted.quarantined.select("reason_code", "segment", "field", "raw_record").rows() == [
        ("required_missing", "E1MAKTM[1]", "spras", "<E1MAKTM><MAKTX>x</MAKTX></E1MAKTM>")
    ]
    assert extracted.accepted["sap/mara"].height == 1


def test_an_idoc_without_any_article_is_one_refused_record(read, refused, idocs):
    content = idocs.document(idocs.idoc(IDOCTYP="MATMAS05", MESTYP="MATMAS"), root="MATMAS05")
    row = refused(read("a.xml", content))
    assert (row["table_name"], row["reason_code"], row["field"]) == ("sap/mara", "required_missing", "matnr")


def test_a_bad_day_of_the_control_record_is_told_of_it(taken):
    extracted = taken(idoc("MATMAS05", segment("E1MARAM", MATNR="A1"), CREDAT="20261399"))
    assert "EDI_DC40 CREDAT in E1MARAM[1]" in extracted.quarantined["reason"].item()


def test_the_shipped_layout_of_articles_is_that_of_the_report(shared_data, layouts, contracts, tmp_path):
    report = shared_data / "idoc" / "public" / "we60-parser-matmas01.txt"
    told, shipped = parser_report(report).segments, shipped_layouts().segments
    for name in ("E1MARAM", "E1MAKTM", "E1MARCM", "E1MARDM", "E1MARMM", "E1MBEWM"):
        assert (told[name].fields, told[name].parents, told[name].record) == (
            shipped[name].fields,
            shipped[name].parents,
            shipped[name].record,
        )
    flat = tmp_path / "a.txt"
    flat.write_bytes(write_flat([idoc("MATMAS05", ARTICLE)]))
    before = extract(flat, "a.txt", contracts=contracts, layouts=layouts)
    (layouts / "matmas01.txt").write_bytes(report.read_bytes())
    after = extract(flat, "a.txt", contracts=contracts, layouts=layouts)
    assert before.accepted.keys() == after.accepted.keys() == {"sap/mara", "sap/makt", "sap/marc"}
    assert all(after.accepted[table].equals(frame) for table, frame in before.accepted.items())


def test_a_retail_article_brings_its_variants(taken, layouts):
    (layouts / "artmas.yaml").write_text(NO_LAYOUT["E1BPE1MATHEAD"])
    tables = taken(
        idoc(
            "ARTMAS05",
            segment("E1BPE1MATHEAD", FUNCTION="005", MATERIAL="100", MATL_TYPE="HAWA", MATL_GROUP="PHONE", MATL_CAT="01"),
            segment("E1BPE1VARKEY", FUNCTION="005", MATERIAL="100", VARIANT="100001"),
            segment("E1BPE1MARART", FUNCTION="005", MATERIAL="100", BASE_UOM="EA", PROD_HIER="00100"),
            segment("E1BPE1MARART", FUNCTION="005", MATERIAL="100001", CREATED_ON="20260901", BASE_UOM="EA", DEL_FLAG="X"),
            segment("E1BPE1MAKTRT", FUNCTION="005", MATERIAL="100001", LANGU="E", LANGU_ISO="EN", MATL_DESC="Phone X black"),
            segment("E1BPE1MARCRT", FUNCTION="005", MATERIAL="100001", PLANT="S101", SERNO_PROF="0003", SAFETY_STK="2.000"),
        )
    ).accepted
    assert tables["sap/mara"].select("matnr", "mtart", "matkl", "attyp", "satnr", "prdha", "ersda", "lvorm").rows() == [
        ("100", "HAWA", "PHONE", "01", None, "00100", None, None),
        ("100001", "HAWA", "PHONE", "02", "100", None, date(2026, 9, 1), "X"),
    ]
    assert tables["sap/makt"].select("matnr", "spras", "maktx").rows() == [("100001", "EN", "Phone X black")]
    assert tables["sap/marc"].select("matnr", "werks", "sernp", "eisbe").rows() == [("100001", "S101", "0003", Decimal("2.000"))]


CUSTOMER = {"KUNNR": "0000700123", "ANRED": "Ms", "NAME1": "Jane Doe", "ORT01": "Austin", "PFACH": "4711", "PSTLZ": "78701"}


def test_of_a_customer_only_what_the_contract_names_is_taken(taken):
    frame = taken(idoc("DEBMAS06", segment("E1KNA1M", MSGFN="005", LAND1="US", REGIO="TX", KTOKD="0001", **CUSTOMER))).accepted["sap/kna1"]
    told = {name: value for name, value in frame.drop("_line").row(0, named=True).items() if value is not None}
    code = {"kunnr": "0000700123", "land1": "US", "regio": "TX", "ktokd": "0001", "extract_date": date(2026, 11, 3)}
    # Names and addresses get into this one table, and no further.
    assert told == {**code, "name1": "Jane Doe", "pstlz": "78701", "ort01": "Austin"}


def test_a_vendor_is_read_with_a_layout_of_the_users(taken, layouts):
    (layouts / "cremas.yaml").write_text(NO_LAYOUT["E1LFA1M"])
    vendor = {"LIFNR": "0000100003", "NAME1": "Phone Works", "LAND1": "DE", "REGIO": "BY", "ORT01": "Munich", "KTOKK": "MANU"}
    frame = taken(idoc("CREMAS05", segment("E1LFA1M", MSGFN="005", **vendor))).accepted["sap/lfa1"]
    assert frame.select("lifnr", "name1", "land1", "regio", "ort01", "ktokk").rows() == [tuple(vendor.values())]


def test_a_flat_type_without_a_shipped_layout_asks_for_the_report(tmp_path, contracts, refused, layouts):
    (layouts / "cremas.yaml").write_text(NO_LAYOUT["E1LFA1M"])
    flat = tmp_path / "a.txt"
    flat.write_bytes(write_flat([idoc("CREMAS05", segment("E1LFA1M", LIFNR="1", NAME1="Jane Doe"))], layouts=read_layouts(layouts)))
    row = refused(extract(flat, "a.txt", contracts=contracts))
    assert (row["reason_code"], row["segment"]) == ("unknown_segment", "E1LFA1M")
    assert "export the parser report" in row["reason"]
    assert "Jane" not in row["raw_record"]


@pytest.mark.parametrize("kind", ["xml", "txt"])
def test_no_name_of_a_refused_customer_is_kept(tmp_path, contracts, refused, kind):
    broken = idoc("DEBMAS06", segment("E1KNA1M", MSGFN="005", **{**CUSTOMER, "LAND1": "US", "KUNNR": ""}))
    path = tmp_path / f"a.{kind}"
    path.write_bytes(write_flat([broken]) if kind == "txt" else write_xml([broken]))
    row = refused(extract(path, path.name, contracts=contracts))
    assert (row["table_name"], row["reason_code"], row["field"]) == ("sap/kna1", "required_missing", "kunnr")
    assert "<LAND1>US</LAND1>" in row["raw_record"]
    assert [word for word in ("Jane", "Austin", "4711", "78701", "Ms") if word in row["raw_record"]] == []


@pytest.mark.parametrize("kind", ["xml", "txt"])
def test_no_name_of_a_broken_file_of_customers_is_kept(tmp_path, contracts, refused, kind):
    whole = idoc("DEBMAS06", segment("E1KNA1M", **CUSTOMER))
    content = write_flat([whole]) + b"?\n" if kind == "txt" else write_xml([whole]).replace(b"</IDOC>", b"")
    path = tmp_path / f"a.{kind}"
    path.write_bytes(content)
    row = refused(extract(path, path.name, contracts=contracts))
    assert row["reason_code"] in ("malformed_idoc", "malformed_xml")
    assert [word for word in ("Jane", "Austin", "4711", "78701", "700123") if word in row["raw_record"]] == []
