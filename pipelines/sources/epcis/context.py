"""Context: the prefixes that a JSON-LD context declares, without fetching anything.

Which prefixes a document may use belongs here; where they are used does not (rules.py).
"""

from __future__ import annotations

import re
from typing import Any

from pipelines.sources.epcis.plain import DocumentFault

__all__ = ["BUILT_IN", "context_prefixes"]

BUILT_IN = frozenset(("epcis", "cbv", "cbvmda", "gs1", "rdfs", "owl", "xsd", "dcterms"))
"""Prefixes that GS1's own context declares."""
_GS1_CONTEXT = re.compile(r"^https?://(?:ref\.gs1\.org/standards/epcis|gs1\.github\.io/EPCIS)/\S*context\.jsonld$")


def context_prefixes(context: Any, *, is_document: bool = True) -> frozenset[str]:
    """Prefixes declared by a context: those of GS1's and the sender's own. Raises DocumentFault with code `epcis_context`.

    A document's context must name GS1's, since without it none of its words mean anything; an event's need not.
    """
    parts = context if isinstance(context, list) else [context]
    if is_document and not any(isinstance(part, str) and _GS1_CONTEXT.match(part) for part in parts):
        raise DocumentFault(
            "epcis_context",
            "The @context does not name GS1's (https://ref.gs1.org/standards/epcis/epcis-context.jsonld), so its words mean nothing",
            field="@context",
        )
    declared = set(BUILT_IN)
    for part in parts:
        if isinstance(part, dict):
            declared.update(_declared(part))
        elif not isinstance(part, str) or ":" not in part:
            raise DocumentFault(
                "epcis_context", "The @context holds what is neither an address nor an object of prefixes", field="@context"
            )
    return frozenset(declared)


def _declared(part: dict[str, Any]) -> set[str]:
    for name, meaning in part.items():
        is_address = isinstance(meaning, str) and (":" in meaning or meaning.startswith("@"))
        if not (is_address or isinstance(meaning, dict | bool) or name.startswith("@")):
            raise DocumentFault("epcis_context", f"The @context declares {name[:60]!r} by what is no address", field="@context")
    return {name for name in part if not name.startswith("@")}
