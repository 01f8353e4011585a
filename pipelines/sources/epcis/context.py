"""Context: the prefixes that a JSON-LD context declares, without fetching anything.

Which prefixes a document may use belongs here; where they are used does not (rules.py).
"""

from __future__ import annotations

import re
from typing import Any

from pipelines.sources.epcis.plain import DocumentFault

__all__ = ["BUILT_IN", "declared_prefixes"]

BUILT_IN = {
    "epcis": "https://ref.gs1.org/epcis/",
    "cbv": "https://ref.gs1.org/cbv/",
    "cbvmda": "urn:epcglobal:cbv:mda:",
    "gs1": "https://gs1.org/voc/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "dcterms": "http://purl.org/dc/terms/",
}
"""Prefixes that GS1's own context declares, with what they stand for."""
_GS1_CONTEXT = re.compile(r"^https?://(?:ref\.gs1\.org/standards/epcis|gs1\.github\.io/EPCIS)/\S*context\.jsonld$")


def declared_prefixes(context: Any, *, is_document: bool = True) -> dict[str, str]:
    """Prefixes that a context declares, and what they stand for: those of GS1's and the sender's own.

    Raises DocumentFault with code `epcis_context`. A document's context must name GS1's, since without it none of its words
    mean anything; an event's need not.
    """
    parts = context if isinstance(context, list) else [context]
    if is_document and not any(isinstance(part, str) and _GS1_CONTEXT.match(part) for part in parts):
        raise DocumentFault(
            "epcis_context",
            "The @context does not name GS1's (https://ref.gs1.org/standards/epcis/epcis-context.jsonld), so its words mean nothing",
            field="@context",
        )
    declared = dict(BUILT_IN)
    for part in parts:
        if isinstance(part, dict):
            declared.update(_declared(part))
        elif not isinstance(part, str) or ":" not in part:
            raise DocumentFault(
                "epcis_context", "The @context holds what is neither an address nor an object of prefixes", field="@context"
            )
    return declared


def _declared(part: dict[str, Any]) -> dict[str, str]:
    for name, meaning in part.items():
        is_address = isinstance(meaning, str) and (":" in meaning or meaning.startswith("@"))
        if not (is_address or isinstance(meaning, dict | bool) or name.startswith("@")):
            raise DocumentFault("epcis_context", f"The @context declares {name[:60]!r} by what is no address", field="@context")
    return {name: meaning if isinstance(meaning, str) else name for name, meaning in part.items() if not name.startswith("@")}
