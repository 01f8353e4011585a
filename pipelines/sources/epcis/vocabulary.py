"""Vocabulary: words of GS1's Core Business Vocabulary 2.0, in each of the forms in which partners write them.

The words and their forms belong here; which field takes which kind does not (rules.py).
Source: CBV 2.0, sections 7 and 8; forms: bare word (JSON), URN (XML), web URI and its short form cbv:.
"""

from __future__ import annotations

import re

__all__ = ["BUSINESS_STEP", "COMPONENT", "DISPOSITION", "ERROR_REASON", "MEASUREMENT", "PARTY", "SENSOR_ALERT", "TRANSACTION", "word"]

BUSINESS_STEP, DISPOSITION, TRANSACTION = "business step", "disposition", "business transaction type"
PARTY, ERROR_REASON, COMPONENT = "source or destination type", "error reason", "component"
MEASUREMENT, SENSOR_ALERT = "measurement type", "sensor alert type"

_WORDS = {
    BUSINESS_STEP: """
        accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting decommissioning
        departing destroying disassembling dispensing encoding entering_exiting holding inspecting installing killing loading other
        packing picking receiving removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting shipping
        staging_outbound stock_taking stocking storing transporting unloading unpacking void_shipping""",
    DISPOSITION: """
        active available completeness_inferred completeness_verified conformant container_closed container_open damaged destroyed
        dispensed disposed encoded expired in_progress in_transit inactive mismatch_class mismatch_instance mismatch_quantity
        needs_replacement no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved retail_sold returned
        sellable_accessible sellable_not_accessible stolen unavailable unknown""",
    TRANSACTION: "bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt",
    PARTY: "owning_party possessing_party location",
    ERROR_REASON: "did_not_occur incorrect_data",
    COMPONENT: """
        x y z axial_distance azimuth height spherical_radius polar_angle elevation_angle easting northing latitude longitude altitude""",
    SENSOR_ALERT: "ALARM_CONDITION ERROR_CONDITION",
}
_KNOWN = {kind: frozenset(words.split()) for kind, words in _WORDS.items()}
_URN = {"bizstep": BUSINESS_STEP, "disp": DISPOSITION, "btt": TRANSACTION, "sdt": PARTY, "er": ERROR_REASON}
_WEB = {"bizstep": BUSINESS_STEP, "disp": DISPOSITION, "btt": TRANSACTION, "sdt": PARTY, "er": ERROR_REASON, "comp": COMPONENT}
_URN_FORM = re.compile(r"^urn:epcglobal:cbv:([a-z]+):(.+)$", re.IGNORECASE)
_WEB_FORM = re.compile(r"^(?:https?://(?:ref|ns)\.gs1\.org/cbv/|cbv:)([A-Za-z]+)-(.+)$")
_MEASUREMENT_FORM = re.compile(r"^[A-Z][A-Za-z_]*$")
"""Measurement types come from GS1's web vocabulary, which grows between editions of the standard."""
_VOC_FORM = re.compile(r"^(?:https?://(?:www\.)?gs1\.org/voc/|gs1:)(.+)$")


def word(kind: str, text: str) -> str | None:
    """The word of this kind that the text stands for; a URI that is not GS1's as it is; None for what is neither."""
    if match := _URN_FORM.match(text):
        # Only the kinds above have words; other URNs of GS1's, such as those of transactions, are identifiers.
        return match[2] if _URN.get(match[1].lower()) == kind and match[2] in _KNOWN[kind] else None
    if (match := _WEB_FORM.match(text)) and match[1].lower() in _WEB:
        return match[2] if _WEB[match[1].lower()] == kind and match[2] in _KNOWN[kind] else None
    if kind in (MEASUREMENT, SENSOR_ALERT):
        text = match[1] if (match := _VOC_FORM.match(text)) else text
    if kind == MEASUREMENT:
        return text if _MEASUREMENT_FORM.match(text) or ":" in text else None
    if text in _KNOWN[kind]:
        return text
    return text if ":" in text else None
