"""Raw: the text of refused segments, with what names or pays for a person masked.

Finding segments again by their position and printing them belong here; deciding what is refused does not.
What is masked is listed in MASKED; the masked text goes to the quarantine table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from pipelines.sources.extracted import RAW_RECORD_LIMIT
from pipelines.sources.idoc.flat import is_flat, read_flat
from pipelines.sources.idoc.layouts import CONTROL
from pipelines.sources.idoc.reader import canonical, elements
from pipelines.sources.idoc.tree import Idoc, Segment

__all__ = ["MASKED", "SegmentTexts", "masked_flat", "masked_text", "printable", "printed_idoc"]

MASKED = (
    r"NAME\w*|CSHNAME|STREET\w*|STRAS\w*|STR_\w*|HOUSE_\w*|HAUSN|POSTL?_?CO\w*|PSTLZ|PSTL\d|CITY\w*|ORT\d+|TEL\w*|FAX\w*|"
    r"E_?MAIL\w*|SMTP\w*|KARTE\w*|KARTNR|KONTO\w*|IBAN|BANK\w*|KUNDNR|KUNNR|KUNDE|CUSTOMER|FLDVAL|PARNR|UNAME|STATXT|STAPA\d"
)
"""Field names whose content is never kept: names and addresses, cards and accounts, customer numbers, free fields."""

_FREE_SHOWN = frozenset({"RETURN_REASON", "CONDITION", "SERNR", "SERIALNO", "SERIENNR"})
"""Free fields (FLDNAME) whose value names nobody."""
_PARTNER = re.compile(r"^E1(?:KN|LF|VC)")
"""Segments of the master data of customers and vendors, in which any field may name a person."""
_PARTNER_SHOWN = frozenset({"MSGFN", "LAND1", "REGIO", "KTOKD", "KTOKK"})
_PARTNER_TEXT = re.compile(r"(<(?:[\w.-]+:)?E1(?:KN|LF|VC)\w*(?:\s[^>]*)?>).*", re.DOTALL)

_MASKED_NAME = re.compile(f"^(?:{MASKED})$", re.IGNORECASE)
_MASKED_ELEMENT = re.compile(
    rf"(<(?:[\w.-]+:)?(?:{MASKED})(?:\s[^>]*)?>)(?!\s*</)(?:[^<]|<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z))*",
    re.IGNORECASE | re.DOTALL,
)
_PERSONAL_RECORD = r"E[12](?:ADR[ME]|WPB01|WPB06|WPG01|EDKA|KN|LF|VC|WXX01)\S*"
_FLAT = re.compile(r"\s*EDI_D[CS]")
_FLAT_SHOWN = re.compile(r"(?:EDI_D[CS]\S*|E[12](?:BP2017|EDL|EDT|MA[RK]|MBGMCR|WPB0[2-57]|WPU)\S*) ")
"""Beginnings of the records of a flat file that name nobody; a damaged one, or the rest of one, may be any."""
_PERSONAL_LINE = re.compile(rf"^((?:Z\S*|/\S*|{_PERSONAL_RECORD})[^\n]{{0,53}})[^\n]*", re.MULTILINE)
_FLAT_WITHIN = re.compile(rf"({_PERSONAL_RECORD})[^\n]*")
_CONTROL_FIELDS = frozenset({"TABNAM", "DOCREL", "IDOCTYP", "CIMTYP", "MESTYP", "MESCOD", "MESFCT", "SNDPOR", "SNDPRT", "SNDPFC", "SNDPRN"})
"""Fields of the control record that are shown whatever they hold; where two records became one, the others may hold anything."""
_LEAD, _CONTROL_SHOWN = 63, 172
"""Characters that stand before the data of a record, and those of a control record up to its sender."""
_ROWS = frozenset(
    {
        *("E1BP2017_GM_ITEM_CREATE", "E1BP2017_GM_SERIALNUMBER", "E1EDL20", "E1EDL24", "E1EDL11", "E1EDL37", "E1EDL44", "E1EDL46"),
        *("EDI_DS40", "E1WPB02", "E1WPG02", "E1WPU02", "E1MAKTM", "E1MARCM"),
    }
)
"""Segments that are records of their own, so they are not printed within another one."""
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold."""
_PAYMENT_SHOWN = frozenset({"VORZEICHEN", "ZAHLART", "SUMME"})


class SegmentTexts:
    """Masked XML of segments of one file, which is read again for them, once and from its beginning on."""

    def __init__(self, path: Path, *, layouts: Path | None = None) -> None:
        """Nothing is read before it is asked for."""
        if is_flat(path):
            self._numbered = ((idoc.number, _from_flat(idoc)) for idoc in read_flat(path, layouts=layouts))
        else:
            self._numbered = elements(path)

    def of(self, wanted: Mapping[int, set[str]]) -> dict[tuple[int, str], str]:
        """Texts by IDoc number and segment with its position in the IDoc, such as E1EDL24[2].

        Numbers must be greater than any asked for before: the file is not read twice over.
        """
        found: dict[tuple[int, str], str] = {}
        last = max(wanted, default=0)
        while last:
            number, element = next(self._numbered, (last, None))
            if element is not None and number in wanted:
                found.update(((number, key), text) for key, text in _segment_texts(element, wanted[number]))
            if number >= last:
                break
        return found


def _segment_texts(idoc: etree._Element, wanted: set[str]) -> Iterator[tuple[str, str]]:
    counts: dict[str, int] = {}
    for segment in idoc.iterdescendants():
        name = canonical(segment.tag)
        counts[name] = counts.get(name, 0) + 1
        key = f"{name}[{counts[name]}]"
        if key in wanted:
            yield key, _printed(segment, without=_ROWS)


def printed_idoc(idoc: Idoc) -> str:
    """Masked XML of a whole IDoc, cut to RAW_RECORD_LIMIT characters."""
    if idoc.element is not None:
        return _printed(idoc.element)
    return _printed(_from_flat(idoc.whole() if idoc.whole else idoc))


def _from_flat(idoc: Idoc) -> etree._Element:
    """A flat IDoc as the element that it would be in XML, so that one way of printing and masking serves both."""
    root = etree.Element("IDOC")
    for segment in (idoc.control, *idoc.segments):
        _add_element(root, segment)
    return root


def _add_element(parent: etree._Element, segment: Segment) -> None:
    element = etree.SubElement(parent, segment.name)
    for name, text in segment.fields.items():
        etree.SubElement(element, name).text = printable(text or "")
    for child in segment.children:
        _add_element(element, child)


def _printed(element: etree._Element, *, without: frozenset[str] = frozenset()) -> str:
    """Masked XML of an element, cut to RAW_RECORD_LIMIT characters; inner segments named in `without` are left out."""
    pieces: list[str] = []
    _print(element, pieces, without, budget=[RAW_RECORD_LIMIT])
    return "".join(pieces)[:RAW_RECORD_LIMIT]


def printable(text: str) -> str:
    """The text with ? for characters that XML cannot hold."""
    return _UNPRINTABLE.sub("?", text)


def masked_text(text: str) -> str:
    """Text of XML, whole or broken, with the content of all MASKED elements replaced by ***."""
    return _MASKED_ELEMENT.sub(r"\1***", _PARTNER_TEXT.sub(r"\1***", text))


def masked_flat(text: str) -> str:
    """Text of a flat IDoc with the data of all records replaced by *** but those that name nobody.

    Of any other text only lines that begin as records which name somebody.
    """
    if not _FLAT.match(text.removeprefix("\ufeff")):
        return _PERSONAL_LINE.sub(r"\1***", text)
    return "\n".join(_masked_record(record) for record in text.split("\n"))


def _masked_record(record: str) -> str:
    text = record.removeprefix("\ufeff").rstrip("\r")
    if not text or text.isspace():
        return text
    if text.startswith(("EDI_DC", "EDI_DS")):
        shown = _CONTROL_SHOWN if text.startswith("EDI_DC") else _LEAD
        return text if len(text) <= shown else f"{text[:shown]}***"
    if _FLAT_SHOWN.match(f"{text} "):
        # Where the end of a line is lost, another record follows in it.
        return _FLAT_WITHIN.sub(r"\1***", text)
    named = re.match(_PERSONAL_RECORD + r"\s|Z\S*\s|/\S*\s", text)
    return f"{text[:_LEAD]}***" if named else "***"


def _print(element: etree._Element, pieces: list[str], without: frozenset[str], *, budget: list[int]) -> None:
    if budget[0] <= 0:
        return
    name = canonical(element.tag)
    inner = [child for child in element if canonical(child.tag) not in without]
    start = len(pieces)
    if not len(element):
        text = (element.text or "").strip()
        hidden = text and _is_masked(name, element)
        pieces.append(f"<{name}/>" if not text else f"<{name}>***</{name}>" if hidden else f"<{name}>{escape(text)}</{name}>")
    else:
        pieces.append(f"<{name}>")
        for child in inner:
            _print(child, pieces, without, budget=budget)
        pieces.append(f"</{name}>")
    budget[0] -= sum(len(piece) for piece in (pieces[start], pieces[-1]))


def _is_masked(name: str, element: etree._Element) -> bool:
    parent = element.getparent()
    within = "" if parent is None else canonical(parent.tag)
    if within == CONTROL:
        return name not in _CONTROL_FIELDS and not (element.text or "").strip().isdigit()
    if within == "E1WPB06":
        return name not in _PAYMENT_SHOWN
    if _PARTNER.match(within):
        return name not in _PARTNER_SHOWN
    if name == "FLDVAL" and parent is not None:
        return (parent.findtext("{*}FLDNAME") or "").strip().upper() not in _FREE_SHOWN
    return _MASKED_NAME.match(name) is not None
