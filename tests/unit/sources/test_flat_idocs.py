"""Flat IDocs: the same records as the XML form gives, whatever the sender leaves blank, and refusals by record."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipelines.sources import extract
from pipelines.sources.idoc import flat
from pipelines.sources.idoc.reader import read_idocs
from pipelines.sources.sap_documents import read_sap_documents

GOLDEN = Path(__file__).parent / "golden"
NAMES = ["DELVRY07_DESADV_serials", "WPUBON01_sale_and_return"]
DELIVERY = (GOLDEN / "DELVRY07_DESADV_serials.txt").read_bytes().decode()
CONTROL = DELIVERY.splitlines()[0]


def record(name: str, data: str = "", number: int | None = None, parent: int = 0) -> str:
    """One data record; without a number its place is left blank."""
    place = f"{number:06d}{parent:06d}02" if number else ""
    return f"{name:30}{'':19}{place:14}{data}"


def status(docnum: str, code: str, text: str = "") -> str:
    """One status record."""
    return f"EDI_DS40  100{docnum:16}20261103120000{code:2}SAP{'':23}E{'':200}{text:70}{'SMITH':12}"


def lines(extracted, table: str) -> list[dict]:
    return extracted.accepted[table].drop("_line").rows(named=True)


@pytest.mark.parametrize("name", NAMES)
def test_flat_and_xml_of_one_idoc_give_the_same_records(read, name):
    of_flat, of_xml = (read(f"{name}.{kind}", (GOLDEN / f"{name}.{kind}").read_bytes()) for kind in ("txt", "xml"))
    assert of_flat.quarantined.is_empty()
    assert of_flat.accepted.keys() == of_xml.accepted.keys()
    for table, frame in of_xml.accepted.items():
        assert of_flat.accepted[table].drop("_line").equals(frame.drop("_line")), table


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\r\n", "\n"),
        lambda text: "\r\n".join(line.ljust(524 if line.startswith("EDI_DC40") else 1063) for line in text.splitlines()),
        lambda text: "\n".join(f"{line[:30]}{'':33}{line[63:]}" if line.startswith("E2") else line for line in text.splitlines()),
        lambda text: "\n".join(f"{line[:49]}{'0' * 12}{line[61:]}" if line.startswith("E2") else line for line in text.splitlines()),
        lambda text: "\ufeff\n\n" + text.replace("\r\n", "\n\n"),
        lambda text: text.replace("E2EDL24006", "E1EDL24   ").replace("E2EDL11001", "E2EDL11   "),
        lambda text: text + status("0000000000000901", "53") + "\n",
        lambda text: status("0000000000000901", "53") + "\n" + text,
    ],
    ids=["line feeds", "padded", "no numbers", "zero numbers", "mark and blank lines", "other versions", "a status record", "one before"],
)
def test_what_senders_do_differently_changes_no_record(read, change):
    assert lines(read("a.txt", change(DELIVERY)), "sap/deliveries") == lines(read("b.txt", DELIVERY), "sap/deliveries")


@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "Gerät 5 €"), ("latin-1", "Gerät"), ("cp1252", "Gerät 5 €")])
def test_code_pages_are_told_by_the_bytes(read, encoding, name):
    content = DELIVERY.replace("Phone X 128 black".ljust(40), name.ljust(40)).encode(encoding)
    assert read("a.txt", content).accepted["sap/deliveries"]["arktx"].to_list()[0] == name


def test_several_idocs_in_a_file_are_told_apart(read):
    rows = read("a.txt", DELIVERY + DELIVERY.replace("0000000000000901", "0000000000000902")).accepted["sap/deliveries"]
    assert rows["docnum"].to_list() == ["0000000000000901"] * 3 + ["0000000000000902"] * 3


def test_blocks_end_where_lines_end(read, monkeypatch):
    whole = read("a.txt", DELIVERY)
    monkeypatch.setattr(flat, "_BLOCK", 7)
    assert read("b.txt", DELIVERY).accepted["sap/deliveries"].equals(whole.accepted["sap/deliveries"])


def test_segments_are_placed_by_their_numbers_not_by_their_order(read):
    serials = [record("E2EDL11001", "S1", 4, 2), record("E2EDL11001", "S2", 5, 3)]
    items = [record("E2EDL24006", f"{item:06d}{'A' * 18}", item + 1, 1) for item in (1, 2)]
    content = "\n".join([CONTROL, record("E2EDL20002", "0080001234", 1), *items, *serials])
    assert read("a.txt", content).accepted["sap/deliveries"].select("posnr", "sernr").rows() == [("000001", "S1"), ("000002", "S2")]


@pytest.mark.parametrize("number", [None, 2])
def test_a_segment_of_the_customers_own_is_skipped_unless_a_layout_describes_it(tmp_path, number):
    path = tmp_path / "a.txt"
    own = record("Z2COLOUR001", "RED", number, 1)
    path.write_text("\n".join([CONTROL, record("E2EDL20002", "0080001234", number and 1), own]))
    (idoc,) = read_idocs(path)
    assert (idoc.skipped, idoc.segments[0].all("Z1COLOUR")[0].fields) == (["Z1COLOUR"], {})
    (tmp_path / "layouts").mkdir()
    (tmp_path / "layouts" / "own.yaml").write_text("Z1COLOUR:\n  parents: [E1EDL20]\n  fields: {COLOUR: 10}\n")
    (idoc,) = read_idocs(path, layouts=tmp_path / "layouts")
    assert (idoc.skipped, idoc.segments[0].all("Z1COLOUR")[0].fields) == ([], {"COLOUR": "RED"})


def test_an_idoc_whose_segments_cannot_be_placed_is_one_refused_record_and_the_next_is_read(read, refused):
    extracted = read("a.txt", "\n".join([CONTROL, record("E2EDL20002", "0080001234"), record("E2EDL44", "x"), DELIVERY]))
    row = refused(extracted)
    assert (row["reason_code"], row["line"], row["segment"]) == ("segment_misplaced", 3, "E1EDL44")
    assert "stands below none of E1EDL37, and its number (SEGNUM) is blank" in row["reason"]
    assert extracted.accepted["sap/deliveries"].height == 3


def test_a_segment_without_a_layout_refuses_the_file_until_the_layout_is_there(tmp_path, contracts, refused):
    path, layouts = tmp_path / "a.txt", tmp_path / "layouts"
    path.write_text("\n".join([DELIVERY, CONTROL, record("E2EDL20002", "0080001234"), record("E2NEW01001", "x")]))
    extracted = extract(path, "a.txt", contracts=contracts, layouts=layouts)
    row = refused(extracted)
    assert (row["reason_code"], row["line"], row["segment"], extracted.refused_whole) == ("unknown_segment", 18, "E1NEW01", True)
    assert "E1NEW01 (record 18, E2NEW01001) has no layout" in row["reason"]
    layouts.mkdir()
    (layouts / "new.yaml").write_text("E1NEW01:\n  parents: [E1EDL20]\n  fields: {}\n")
    assert extract(path, "a.txt", contracts=contracts, layouts=layouts).records_accepted == 4


def test_an_idoc_of_another_type_needs_no_layout_to_be_told_as_such(read, refused):
    content = "\n".join([CONTROL.replace("DELVRY07", "INVOIC02"), record("E2EDK01005", "x"), DELIVERY])
    extracted = read("a.txt", content)
    assert refused(extracted)["reason_code"] == "unknown_idoc_type"
    assert extracted.accepted["sap/deliveries"].height == 3


def test_a_parent_that_is_not_there_is_named(read, refused):
    row = refused(read("a.txt", "\n".join([CONTROL, record("E2EDL20002", "0080001234", 1), record("E2EDL24006", "000010", 3, 2)])))
    assert row["reason_code"] == "segment_misplaced"
    assert "E1EDL24 (record 3) hangs below segment number '000002' (PSGNUM)" in row["reason"]


def test_an_idoc_without_end_is_refused_before_memory_holds_it(read, refused, monkeypatch):
    monkeypatch.setattr(flat, "_MOST_SEGMENTS", 10)
    row = refused(read("a.txt", DELIVERY))
    assert (row["reason_code"], row["line"]) == ("malformed_idoc", 14)
    assert "more than the 10 that an IDoc may have" in row["reason"]


def test_nesting_without_end_is_refused(read, refused):
    chain = [record("E2EDL20002", "", number, number - 1) for number in range(1, 200)]
    assert "nested deeper than the 99 levels" in refused(read("a.txt", "\n".join([CONTROL, *chain])))["reason"]


def test_a_refusal_names_segment_field_and_record_and_shows_the_segments(read, refused):
    extracted = read("a.txt", DELIVERY.replace("2.000          EA", "2,0.0          EA", 1))
    rows = extracted.quarantined
    assert rows["reason_code"].to_list() == ["bad_number"] * 2
    assert rows.select("segment", "field", "line").rows()[0] == ("E1EDL24[1]", "lfimg", 8)
    assert "<SERNR>3SER10008791</SERNR>" in rows["raw_record"][0]
    assert "<LFIMG>2,0.0</LFIMG>" in rows["raw_record"][0]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (f"{CONTROL}\n{'E2EDL20002'.ljust(63)}{'x' * 1001}", "record 2 has 1064 characters, and the longest record has 1063"),
        (f"{CONTROL}\n{'x' * 3_000_000}", "record 2 "),
        (f"{CONTROL}\n1234 this is no record", "record 2 does not begin with the name of a segment"),
        ("EDI_DC    1000000000000000901", "record 1 starts with 'EDI_DC', and EDI_DC40 must be the first"),
    ],
)
def test_what_is_no_flat_idoc_is_refused_whole_with_the_record(read, refused, content, told):
    extracted = read("sap/idoc/a.xml", content)
    row = refused(extracted)
    assert (row["reason_code"], extracted.refused_whole) == ("malformed_idoc", True)
    assert told in row["reason"]


def test_a_file_in_two_code_pages_is_refused(read, refused, monkeypatch):
    monkeypatch.setattr(flat, "_BLOCK", 1000)
    content = DELIVERY.replace("Phone X 128 black", "Gerät            ").encode() + DELIVERY.replace("Phone", "Gerät").encode("latin-1")
    row = refused(read("a.txt", content))
    assert (row["reason_code"], row["line"]) == ("wrong_encoding", 22)


def test_personal_data_of_a_refused_flat_file_is_masked(read, refused):
    partner = record("E2ADRM1001", "WE S101   Jane Doe   Austin", 1)
    payment = record("E2WPB06", "+CARD      4111111111111111", 2)
    own = record("Z2GUEST", "Jane Doe", 3)
    row = refused(read("a.txt", "\n".join([CONTROL, partner, payment, own, "?"])))
    assert row["reason_code"] == "malformed_idoc"
    assert [word for word in ("Jane", "Austin", "4111") if word in row["raw_record"]] == []


def test_personal_data_of_a_refused_flat_idoc_is_masked(read, refused):
    partner = record("E2ADRM1001", f"WE {'':1}{'S101':17}{'':34}{'Jane Doe':40}")
    row = refused(read("a.txt", "\n".join([CONTROL.replace("DELVRY07", "INVOIC02"), record("E2EDL20002", "0080001234"), partner])))
    assert row["reason_code"] == "unknown_idoc_type"
    assert "<PARTNER_ID>S101</PARTNER_ID><NAME1>***</NAME1>" in row["raw_record"]


def test_a_flat_idoc_is_known_by_its_first_bytes_under_any_name(contracts, tmp_path):
    path = tmp_path / "a"
    path.write_text(DELIVERY)
    for name in ("sap/idoc/out.txt", "sap/idoc/out.xml", "sap/mara_1.csv"):
        assert extract(path, name, contracts=contracts).records_accepted == 3, name


def test_status_records_are_rows_and_change_no_idoc(read):
    content = "\n".join([status("0000000000000001", "53"), DELIVERY.rstrip(), status("0000000000000002", "51", "No such article")])
    extracted = read("a.txt", content)
    assert extracted.records_in == 5
    assert extracted.accepted["sap/idoc_statuses"].select("docnum", "status", "logdat", "logtim", "statyp", "statxt").rows() == [
        ("0000000000000001", "53", date(2026, 11, 3), "120000", "E", None),
        ("0000000000000002", "51", date(2026, 11, 3), "120000", "E", "No such article"),
    ]


def test_a_file_of_status_records_alone_is_read_and_its_refusals_are_told(read, refused, monkeypatch):
    monkeypatch.setattr(flat, "_MOST_STATUSES", 2)
    monkeypatch.setattr(flat, "_BLOCK", 700)
    extracted = read("sap/status.txt", "\n".join(status(str(number), "53" if number else "", "Jane Doe") for number in range(6)))
    assert extracted.accepted["sap/idoc_statuses"]["docnum"].to_list() == ["1", "2", "3", "4", "5"]
    row = refused(extracted)
    assert (row["reason_code"], row["segment"], row["line"], row["field"]) == ("required_missing", "EDI_DS40[1]", 1, "status")
    assert [word for word in ("SMITH", "Jane") if word in row["raw_record"]] == []
    broken = refused(read("sap/broken.txt", f"{status('1', '53', 'Jane Doe')}\n?"))
    assert (broken["reason_code"], "Jane" in broken["raw_record"]) == ("malformed_idoc", False)


def test_what_somebody_says_of_our_idocs_is_not_acknowledged(tmp_path, contracts):
    path = tmp_path / "a.txt"
    path.write_text(DELIVERY + status("0000000000000002", "51"))
    assert read_sap_documents([path], contracts).states["docnum"].to_list() == ["0000000000000901"]


def test_a_line_broken_off_a_customers_record_is_masked(read, refused):
    customer = record("E2KNA1M", f"{'':13}{'0000700123':60}\n{'':20}Jane Doe", 1)
    row = refused(read("a.txt", "\n".join([CONTROL.replace("DELVRY07", "DEBMAS06"), customer])))
    assert row["reason_code"] == "malformed_idoc"
    assert [word for word in ("Jane", "700123") if word in row["raw_record"]] == []


def test_customers_without_a_control_record_are_masked(read, refused):
    assert "Jane" not in refused(read("a.txt", record("E2KNA1M", "Jane Doe", 1)))["raw_record"]
