"""Writer: IDocs as the product proposes them become files that SAP reads, flat or XML.

Putting trees of segments into bytes belongs here, and building the trees of goods movements and deliveries. Deciding what to
propose does not. What is written is what the readers read back: tests/unit/sources/test_idoc_writer.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time
from decimal import Decimal

from lxml import etree

from pipelines.sources.idoc.layouts import CONTROL, Layouts, shipped_layouts
from pipelines.sources.idoc.tree import Idoc, Segment

__all__ = ["Values", "delivery", "goods_movement", "sap_text", "write_flat", "write_xml"]

Value = str | int | Decimal | date | time | bool | None
Values = Mapping[str, Value]
_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_MOST_SEGMENTS = 999_999
"""Segments that SEGNUM, six digits, can count."""


def sap_text(value: Value) -> str:
    """A value as SAP writes it: dates yyyymmdd, times HHMMSS, the sign behind a number, X for true and nothing for false."""
    if value is None or value is False:
        return ""
    if value is True:
        return "X"
    if isinstance(value, date):
        return value.strftime("%Y%m%d")
    if isinstance(value, time):
        return value.strftime("%H%M%S")
    if isinstance(value, str):
        return value
    return f"{abs(Decimal(value)):f}{'-' if value < 0 else ''}"


def goods_movement(control: Values, header: Values, code: str, items: Sequence[tuple[Values, Sequence[Values]]]) -> Idoc:
    """One MBGMCR03 with one material document. Each item comes with its serial numbers: SERIALNO, UII or both.

    The ordinals that tie serial numbers to items (MATDOC_ITM) are set here.
    """
    segments = [_segment("E1BP2017_GM_HEAD_01", header), _segment("E1BP2017_GM_CODE", {"GM_CODE": code})]
    segments += [_segment("E1BP2017_GM_ITEM_CREATE", fields) for fields, _ in items]
    for ordinal, (_, serials) in enumerate(items, 1):
        segments += [_segment("E1BP2017_GM_SERIALNUMBER", {"MATDOC_ITM": f"{ordinal:04d}", **serial}) for serial in serials]
    return _idoc({"IDOCTYP": "MBGMCR03", "MESTYP": "MBGMCR", **control}, [_segment("E1MBGMCR", {}, segments)])


def delivery(
    control: Values,
    header: Values,
    items: Sequence[tuple[Values, Sequence[Values]]],
    *,
    parts: Sequence[tuple[str, Values]] = (),
    packages: Sequence[tuple[Values, Sequence[Values]]] = (),
) -> Idoc:
    """One DELVRY07 with one delivery. Items come with their serial numbers (SERNR, UII), packages with what they hold (E1EDL44).

    `parts` are segments of the header, such as partners and deadlines, in the order in which they are written.
    """
    segments = [_segment(name, fields) for name, fields in parts]
    segments += [_segment("E1EDL24", fields, [_segment("E1EDL11", unit) for unit in units]) for fields, units in items]
    segments += [_segment("E1EDL37", fields, [_segment("E1EDL44", packed) for packed in held]) for fields, held in packages]
    return _idoc({"IDOCTYP": "DELVRY07", "MESTYP": "DESADV", **control}, [_segment("E1EDL20", header, segments)])


def write_xml(idocs: Sequence[Idoc], *, layouts: Layouts | None = None) -> bytes:
    """One XML file of IDocs of one basic type. Raises ValueError for what the layouts do not hold, and for mixed types."""
    types = {idoc.basic_type for idoc in idocs}
    if len(types) != 1:
        raise ValueError(f"an XML file holds IDocs of one basic type, not of {len(types)}: {', '.join(sorted(types))}")
    known = layouts or shipped_layouts()
    root = etree.Element(types.pop())
    for idoc in idocs:
        element = etree.SubElement(root, "IDOC", BEGIN="1")
        for segment in (idoc.control, *idoc.segments):
            _add(element, segment, known)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def write_flat(idocs: Sequence[Idoc], *, layouts: Layouts | None = None) -> bytes:
    """One flat file, UTF-8 (code page 4110), blanks at the end of records cut. Raises ValueError for what the layouts do not hold."""
    known = layouts or shipped_layouts()
    return "".join(f"{record.rstrip(' ')}\r\n" for idoc in idocs for record in _records(idoc, known)).encode()


def _segment(name: str, values: Values, children: Sequence[Segment] = ()) -> Segment:
    return Segment(name, 0, {field: text for field, value in values.items() if (text := sap_text(value)).strip(" ")}, list(children))


def _idoc(control: Values, segments: Sequence[Segment]) -> Idoc:
    fields = _segment(CONTROL, {"TABNAM": CONTROL, "DIRECT": "2", **control})
    return Idoc(1, 1, fields.fields["IDOCTYP"] or "", 0, fields, segments)


def _add(parent: etree._Element, segment: Segment, layouts: Layouts) -> None:
    element = etree.SubElement(parent, segment.name, SEGMENT="1")
    for name, (_, text) in _placed(segment, layouts).items():
        etree.SubElement(element, name).text = text
    for child in segment.children:
        _add(element, child, layouts)


def _records(idoc: Idoc, layouts: Layouts) -> Iterator[str]:
    yield _cut_text(idoc.control, layouts)
    lead = f"{idoc.control.fields.get('MANDT') or '':3}{idoc.control.fields.get('DOCNUM') or '':16}"
    for number, (segment, parent, level) in enumerate(_numbered(idoc.segments), 1):
        if number > _MOST_SEGMENTS:
            raise ValueError(f"an IDoc has at most {_MOST_SEGMENTS} segments; write several")
        record = layouts.segments[segment.name].record
        yield f"{record:30}{lead}{number:06d}{parent:06d}{level:02d}{_cut_text(segment, layouts)}"


def _numbered(segments: Sequence[Segment]) -> Iterator[tuple[Segment, int, int]]:
    """Segments in the order of the file, each with the number of its parent and its level (2 is the topmost)."""
    number = 0

    def below(siblings: Sequence[Segment], parent: int, level: int) -> Iterator[tuple[Segment, int, int]]:
        nonlocal number
        for segment in siblings:
            number += 1
            own = number
            yield segment, parent, level
            yield from below(segment.children, own, level + 1)

    return below(segments, 0, 2)


def _cut_text(segment: Segment, layouts: Layouts) -> str:
    """The segment's fields as one text, each at its place."""
    text = ""
    for start, value in sorted(_placed(segment, layouts).values()):
        text = f"{text:{start}}{value}" if start else value
    return text


def _placed(segment: Segment, layouts: Layouts) -> dict[str, tuple[int, str]]:
    """Start and text of the filled fields, by name, in the layout's order. Raises ValueError that names segment and field."""
    layout = layouts.segments.get(segment.name)
    if layout is None:
        raise ValueError(f"{segment.name} has no layout; put the parser report of its IDoc type into layouts/")
    if unknown := segment.fields.keys() - layout.fields.keys():
        raise ValueError(f"{segment.name} has no field {', '.join(sorted(unknown))}")
    placed = {}
    for name, (start, end) in layout.fields.items():
        text = (segment.fields.get(name) or "").rstrip(" ")
        if len(text) > end - start:
            raise ValueError(f"{segment.name} {name} has {len(text)} characters, and the field has {end - start}")
        if _UNWRITABLE.search(text):
            raise ValueError(f"{segment.name} {name} holds a control character, which no IDoc can carry")
        if text:
            placed[name] = (start, text)
    return placed
