"""Numbers of cards and accounts do not get into copies of refused files."""

from __future__ import annotations

import pytest

from pipelines.sources.cards import copied_without_cards

CARD = "4000001234567899"
IN_XML = f'<E1WPB06 SEGMENT="1"><SUMME>799.00</SUMME><KARTENNR>{CARD}</KARTENNR><n:KARTENNR a="b"><![CDATA[{CARD}]]></n:KARTENNR>'
RECORD = "E2WPB06".ljust(63) + "+" + "CARD" + "799.00".rjust(35) + "VISA" + "EUR "


@pytest.fixture
def copied(tmp_path):
    def copied(content: bytes) -> bytes:
        source, target = tmp_path / "delivered", tmp_path / "copy"
        source.write_bytes(content)
        copied_without_cards(source, target)
        return target.read_bytes()

    return copied


def test_a_card_in_xml_is_starred_and_all_else_is_as_it_was(copied):
    assert copied(IN_XML.encode()) == IN_XML.replace(f"<![CDATA[{CARD}]]>", "*" * 28).replace(CARD, "*" * 16).encode()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_a_card_in_utf_16_is_starred(copied, encoding):
    content = ("" if encoding == "utf-16" else "\ufeff") + IN_XML
    assert CARD not in copied(content.encode(encoding)).decode(encoding)


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_flat_payment_keeps_its_amount_and_loses_its_card(copied, end):
    before, after = "E2WPB02".ljust(120) + "\n", "E2WPB02" if end else ""
    assert copied(f"{before}{RECORD}{CARD}  {end}{after}".encode()) == f"{before}{RECORD[:111]}{'*' * 18}{end}{after}".encode()


def test_a_file_that_breaks_off_within_a_card_shows_none_of_it(copied):
    assert copied(f"<KARTENNR>{CARD[:9]}".encode()) == b"<KARTENNR>*********"


@pytest.mark.parametrize("content", [b"", b"\x00\xff<KARTENNR/>", b"<KARTENNR></KARTENNR>", b"plain"])
def test_a_file_without_cards_is_copied_byte_for_byte(copied, content):
    assert copied(content) == content
