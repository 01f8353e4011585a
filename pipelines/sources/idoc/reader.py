"""Reader: the bytes of an IDoc file, flat or XML, become a stream of IDocs, each a light tree of segments.

XML safety and name mangling belong here, and which of the two forms a file has; records of flat files are cut in flat.py.
Memory holds one IDoc at a time. What segments mean is told in one module per family, and in data_contracts/sources/sap.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from xml.parsers import expat

from lxml import etree

from pipelines.sources.idoc.flat import is_flat, read_flat
from pipelines.sources.idoc.layouts import CONTROL
from pipelines.sources.idoc.tree import Idoc, Segment, UnreadableIdocs

__all__ = ["canonical", "elements", "read_idocs"]

_MANGLED = re.compile(r"^(?:\{[^}]*\})?(?:[A-Za-z_][\w.-]*:)?(?:_-[A-Z0-9]+_-|/[A-Z0-9]+/)?")
_ENCODING_CODES = {31, 32, 81, 6003}
"""libxml2: unknown, unsupported, or violated encoding; conversion failed."""
_CHUNK = 65_536
_SMALL = 4 * 1024 * 1024
"""Bytes up to which a file is parsed in one piece: a quarter faster than step by step, for some 30 MB of memory."""
_PAYMENTS = "E1WPB06"
"""Segment whose fields are not even looked at: no record takes them, and a fifth of a till's fields are there."""
_OPTIONS = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
    "remove_blank_text": True,
    "collect_ids": False,
}


class _Stop(Exception):
    """The prolog ended."""


def read_idocs(
    path: Path, *, before: int = 0, layouts: Path | None = None, fields: Mapping[str, Collection[str]] | None = None
) -> Iterator[Idoc]:
    """IDocs in file order; `element` is valid until the next one is taken. Raises UnreadableIdocs.

    `before` is how many IDocs were read before this file, so that `key` tells the IDocs of several files apart. `layouts` is
    the folder of the user's layouts, and `fields` names, by message, those that are taken out of flat records, all where it is None.
    """
    if is_flat(path):
        yield from read_flat(path, before=before, layouts=layouts, fields=fields)
        return
    for number, element in elements(path):
        whole = _segment(element, "IDOC")
        line = whole.line
        control = next((segment for segment in whole.children if segment.name == CONTROL), None) or Segment(CONTROL, line, {})
        segments = [segment for segment in whole.children if segment is not control]
        parent = element.getparent()
        stated = (control.fields.get("IDOCTYP") or "").strip()
        basic_type = stated or canonical(element.tag if parent is None else parent.tag)
        yield Idoc(number, before + number, basic_type, line, control, segments, element)


def elements(path: Path) -> Iterator[tuple[int, etree._Element]]:
    """IDOC elements with their position from 1; each is emptied when the next one is taken. Raises UnreadableIdocs."""
    _refuse_doctype(path)
    number, root = 0, None
    try:
        for root, element in _parsed(path):
            if number == 0 and root.getroottree().docinfo.internalDTD is not None:
                raise _unsafe()
            if element is not None:
                number += 1
                yield number, element
    except etree.XMLSyntaxError as error:
        raise _syntax(path, error) from error
    if number == 0:
        root = canonical(root.tag)
        message = f"The XML file has the root element {root!r} and no IDOC element, so it is no IDoc"
        raise UnreadableIdocs("no_idoc", f"{message}; deliver IDoc XML, or move the file elsewhere.")


def _parsed(path: Path) -> Iterator[tuple[etree._Element, etree._Element | None]]:
    """The root and each IDOC element; at the end the root alone. A large file's elements are emptied as the next are taken."""
    root = _whole(path) if path.stat().st_size <= _SMALL else None
    if root is not None:
        yield from ((root, element) for element in [*root.iter("{*}IDOC"), None])
        return
    parser = etree.iterparse(str(path), events=("end",), tag="{*}IDOC", **_OPTIONS)
    for _, element in parser:
        yield element.getroottree().getroot(), element
        _forget(element)
    yield parser.root, None


def _whole(path: Path) -> etree._Element | None:
    """The root of the file parsed in one piece; None where that fails: step by step, the parser tells the fault's place better."""
    try:
        return etree.fromstring(path.read_bytes(), etree.XMLParser(**_OPTIONS))
    except etree.XMLSyntaxError:
        return None


def canonical(tag: str) -> str:
    """Name of a segment or field without XML namespace and without SAP's namespace: {ns}_-SPE_-E1X is E1X."""
    return _MANGLED.sub("", tag, count=1)


class _Names(dict):
    """Canonical name by tag, and whether it names a segment: computed once per tag."""

    def __missing__(self, tag: str) -> tuple[str, bool]:
        name = canonical(tag)
        self[tag] = found = (name, name.startswith(("E1", "Z1", "EDI_DC")))
        return found


_NAMES = _Names()


def _segment(element: etree._Element, name: str, names: dict[str, tuple[str, bool]] = _NAMES) -> Segment:
    fields: dict[str, str | None] = {}
    children: list[Segment] = []
    for child in element:
        key, is_segment = names[child.tag]
        if not is_segment:
            fields[key] = child.text
        elif key == _PAYMENTS:
            children.append(Segment(key, child.sourceline or 0, {}))
        else:
            children.append(_segment(child, key))
    # Most segments hold none, and keeping an empty list for each costs memory and time.
    return Segment(name, element.sourceline or 0, fields, children or ())


def _forget(element: etree._Element) -> None:
    """Free the element and what stands before it, so that memory does not grow with the file."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _refuse_doctype(path: Path) -> None:
    """Read the prolog only, and stop before a document type definition is even looked into."""
    parser = expat.ParserCreate()

    def on_doctype(*_: object) -> None:
        raise _unsafe()

    def on_start(*_: object) -> None:
        raise _Stop

    parser.StartDoctypeDeclHandler, parser.StartElementHandler = on_doctype, on_start
    with path.open("rb") as stream:
        try:
            while chunk := stream.read(_CHUNK):
                parser.Parse(chunk, False)
        except (_Stop, expat.ExpatError, ValueError, LookupError):
            return  # The prolog is over, or is broken in a way that the real parser will tell.


def _unsafe() -> UnreadableIdocs:
    return UnreadableIdocs(
        "unsafe_xml",
        "The XML file has a document type definition (DOCTYPE), which could name entities and other files; none was "
        "read. "
        "Deliver plain IDoc XML without it.",
    )


def _syntax(path: Path, error: etree.XMLSyntaxError) -> UnreadableIdocs:
    line, column = error.position
    message = error.msg or ""
    if not line:
        line, column, message = _position_by_expat(path) or (line, column, message)
    message = re.sub(r", line \d+, column \d+$", "", message)
    if error.code in _ENCODING_CODES:
        return UnreadableIdocs(
            "wrong_encoding",
            f"The bytes of the XML file do not fit its encoding at line {line}, column {column} ({message}); "
            "write the file in the encoding that its first line declares, UTF-8 at best, and deliver it again.",
        )
    return UnreadableIdocs(
        "malformed_xml",
        f"The XML file is cut off or broken at line {line}, column {column} ({message}), so none of it was taken; "
        "deliver the complete file again.",
    )


def _position_by_expat(path: Path) -> tuple[int, int, str] | None:
    """Where a second parser stumbles, for errors that libxml2 reports without a place."""
    parser = expat.ParserCreate()
    try:
        with path.open("rb") as stream:
            parser.ParseFile(stream)
    except expat.ExpatError as error:
        return error.lineno, error.offset + 1, expat.ErrorString(error.code)
    return None
