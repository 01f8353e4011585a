"""XML documents: EPCIS 2.0 and 1.2 in XML become the same plain objects as JSON does.

Which element becomes which field, and which kind of value, belongs here, and XML's dangers. Rules do not (rules.py).
Source: the XML Schemas of EPCIS 2.0 and 1.2; in 1.2, later fields stand within `extension` and `baseExtension`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lxml import etree

from pipelines.sources.epcis.context import BUILT_IN
from pipelines.sources.epcis.plain import Delivered, Document, DocumentFault, MasterData, Number
from pipelines.sources.epcis.rules import EVENT_TYPES
from pipelines.sources.epcis.values import moment

__all__ = ["read_xml"]

_EPCIS = ("urn:epcglobal:epcis:xsd:", "urn:epcglobal:epcis-query:xsd:", "urn:epcglobal:epcis-masterdata:xsd:")
_ROOTS = {"EPCISDocument", "EPCISQueryDocument", "EPCISMasterDataDocument", "EPCISCaptureJob"}
_VERSIONED = {"EPCISDocument", "EPCISMasterDataDocument"}
_WRAPPERS = frozenset(("extension", "baseExtension"))
_NUMBERS = frozenset(("quantity", "value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"))
_MINUTE = re.compile(r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(Z|[+-]\d{2}:\d{2})$")
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_OPTIONS = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


def read_xml(path: Path) -> Document:
    """The events and master data of an XML document; a query, or the state of a capture job, has none. Raises DocumentFault."""
    root = _root(path)
    name = _local(root)
    if name in EVENT_TYPES:
        return Document((_delivered(root),))
    if not _is_epcis(root) or name not in _ROOTS:
        raise DocumentFault("no_epcis", f"The root element is {name[:60]!r}, which is no EPCIS document")
    created, version = root.get("creationDate"), root.get("schemaVersion")
    for attribute, value in (("schemaVersion", version), ("creationDate", created)):
        if name in _VERSIONED and value is None:
            raise DocumentFault("required_missing", f"The document has no {attribute}, and every {name} needs it", field=attribute)
    if version is not None and not all(part.isdigit() for part in version.split(".")):
        raise DocumentFault("epcis_version", "The schemaVersion is no version such as 2.0", field="schemaVersion")
    if created is not None and moment(created) is None:
        raise DocumentFault("bad_date", "The creationDate is no moment with a time zone (ISO 8601)", field="creationDate")
    if name == "EPCISDocument" and _child(root, "EPCISBody") is None:
        raise DocumentFault("required_missing", "The document has no EPCISBody", field="EPCISBody")
    events = tuple(_delivered(element) for element in _events(root))
    return Document(events, tuple(_master_data(root)), moment(created) if created else None)


def _root(path: Path) -> etree._Element:
    content = path.read_bytes()
    if b"<!DOCTYPE" in content[:65_536] and _has_subset(content):
        raise DocumentFault("unsafe_xml", "The file has a document type with entities or with an address; neither is ever read")
    try:
        return etree.fromstring(content, etree.XMLParser(**_OPTIONS))
    except etree.XMLSyntaxError as error:
        raise DocumentFault("malformed_xml", f"The file is no XML: {error.msg.split(', line')[0]}", line=error.lineno) from error


def _has_subset(content: bytes) -> bool:
    """Whether the document type is more than a name."""
    start = content.index(b"<!DOCTYPE")
    declared = content[start : content.find(b">", start)]
    return any(word in declared for word in (b"[", b"SYSTEM", b"PUBLIC")) or len(declared.split()) > 2


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _is_epcis(element: etree._Element) -> bool:
    return (etree.QName(element).namespace or "").startswith(_EPCIS)


def _child(element: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in element if _local(child) == name), None)


def _events(root: etree._Element) -> Iterator[etree._Element]:
    """Elements of event lists; in 1.2 those of later kinds stand within an extension."""
    for event_list in root.iter("{*}EventList"):
        for element in event_list:
            yield from (inner for inner in element if isinstance(inner.tag, str)) if _local(element) in _WRAPPERS else (element,)


def _delivered(element: etree._Element) -> Delivered:
    event = {"type": _local(element) if _is_plain(element) else _name(element), **_fields(element)}
    prefixes = BUILT_IN | {prefix: uri for inner in element.iter() for prefix, uri in inner.nsmap.items() if prefix}
    return Delivered(event, element.sourceline, prefixes)


def _is_plain(element: etree._Element) -> bool:
    """Whether the element is one of the standard's own: without a namespace, or in that of EPCIS."""
    return etree.QName(element).namespace is None or _is_epcis(element)


def _name(element: etree._Element) -> str:
    """The element's name as a field: with its prefix where it is the sender's own."""
    if _is_plain(element):
        return _local(element)
    return f"{element.prefix}:{_local(element)}" if element.prefix else f"{etree.QName(element).namespace}{_local(element)}"


def _fields(element: etree._Element) -> dict[str, Any]:
    """Fields of an event, or of what stands within one."""
    found: dict[str, Any] = {}
    for child in element:
        name = _name(child)
        if child.get(f"{{{_INSTANCE}}}nil") == "true":
            continue
        if name in _WRAPPERS and _is_plain(child):
            found.update(_fields(child))
        elif name == "certificationInfo":
            found.setdefault(name, []).append(_text(child))
        else:
            value = _field(child, name)
            found[name] = value if name not in found else [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
    return found


def _field(element: etree._Element, name: str) -> Any:
    reader = _READERS.get(name)
    if reader:
        return reader(element)
    return _any(element)


def _texts(element: etree._Element) -> list[str]:
    """Texts of a list, each once: JSON has no list with one of them twice."""
    return list(dict.fromkeys(_text(child) for child in element))


def _quantities(element: etree._Element) -> list[dict[str, Any]]:
    return [{name: _value(name, text) for name, text in _fields(child).items()} for child in element]


def _typed(element: etree._Element) -> list[dict[str, Any]]:
    kinds = [{} if child.get("type") is None else {"type": child.get("type")} for child in element]
    return [{**kind, _name(child): _text(child)} for kind, child in zip(kinds, element, strict=True)]


def _lasting(element: etree._Element) -> dict[str, list[str]]:
    return {name: [_text(child) for child in element if _local(child) == name] for name in dict.fromkeys(map(_local, element))}


def _declaration(element: etree._Element) -> dict[str, Any]:
    """A declaration of an error; some systems leave the seconds of its time away."""
    found = _fields(element)
    if isinstance(moment_text := found.get("declarationTime"), str):
        found["declarationTime"] = _MINUTE.sub(r"\1:00\2", moment_text)
    return found


def _any(element: etree._Element) -> Any:
    """A field of the sender's own, at any depth."""
    return _fields(element) if len(element) else _text(element)


def _sensor(element: etree._Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        name = _name(child)
        if name == "sensorReport":
            found.setdefault(name, []).append(_attributes(child))
        elif name == "sensorMetadata":
            found[name] = _attributes(child)
        else:
            found[name] = _any(child)
    return found


def _attributes(element: etree._Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for tag, text in element.attrib.items():
        name = etree.QName(tag)
        if name.namespace == _INSTANCE:
            continue
        prefix = next((prefix for prefix, uri in element.nsmap.items() if uri == name.namespace and prefix), None)
        found[f"{prefix}:{name.localname}" if prefix else name.localname] = _value(name.localname, text)
    return found


def _value(name: str, text: str) -> Any:
    if name in _NUMBERS:
        return Number(text.strip())
    if name == "booleanValue":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.strip(), text)
    return text


def _text(element: etree._Element) -> str:
    return (element.text or "").strip()


def _master_data(root: etree._Element) -> Iterator[MasterData]:
    for vocabulary in root.iter("{*}Vocabulary"):
        for element in vocabulary.iter("{*}VocabularyElement"):
            attributes: Mapping[str, str] = {
                inner.get("id", ""): _text(inner) if not len(inner) else etree.tostring(inner, encoding="unicode", with_tail=False)
                for inner in element
                if _local(inner) == "attribute"
            }
            children = tuple(_text(inner) for inner in element.iter("{*}id"))
            yield MasterData(vocabulary.get("type", ""), element.get("id", ""), attributes, children, element.sourceline)


_READERS: dict[str, Callable[[etree._Element], Any]] = {
    **dict.fromkeys(("epcList", "childEPCs", "inputEPCList", "outputEPCList", "correctiveEventIDs"), _texts),
    **dict.fromkeys(("quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"), _quantities),
    **dict.fromkeys(("bizTransactionList", "sourceList", "destinationList"), _typed),
    **dict.fromkeys(("readPoint", "bizLocation", "ilmd"), _fields),
    "sensorElementList": lambda element: [_sensor(child) for child in element],
    "persistentDisposition": _lasting,
    "errorDeclaration": _declaration,
}
"""What reads a field that is more than a text."""
