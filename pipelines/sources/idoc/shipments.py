"""Shipments: SHPMNT documents become one record per shipment and delivery in it.

What SHPMNT's segments say about one another belongs here; collecting does not (headed_lines.py). The columns are explained in
data_contracts/sources/sap/shipments.odcs.yaml, and the codes of the deadlines in IDOC_TYPES.md.
"""

from __future__ import annotations

from pipelines.sources.idoc.headed_lines import HeadedSpec
from pipelines.sources.idoc.rows import Fields, first_filled
from pipelines.sources.idoc.tree import Segment

__all__ = ["SHIPMENTS"]

_OWN = ("tknum", "shtyp", "vsart", "route", "signi", "exti1", "exti2", "tpbez", "sttrg")
_MOMENTS = {
    "loading_start_planned_at": ("003", "NTANF", "NTANZ"),
    "loading_start_actual_at": ("003", "ISDD", "ISDZ"),
    "loading_end_planned_at": ("003", "NTEND", "NTENZ"),
    "loading_end_actual_at": ("003", "IEDD", "IEDZ"),
    "transport_start_planned_at": ("005", "NTANF", "NTANZ"),
    "transport_start_actual_at": ("005", "ISDD", "ISDZ"),
    "transport_end_planned_at": ("005", "NTEND", "NTENZ"),
    "transport_end_actual_at": ("005", "IEDD", "IEDZ"),
}
"""Columns by the deadline (E1EDT10 QUALF), its day and its time."""
_CARRIER = "SP"
"""Partner function of the forwarding agent."""


def _head(shipment: Segment) -> Fields:
    deadlines = [(segment.fields.get("QUALF") or "", segment) for segment in shipment.all("E1EDT10")]
    partners = [segment for segment in shipment.all("E1ADRM4") if (segment.fields.get("PARTNER_Q") or "").strip() == _CARRIER]
    carrier = first_filled(*(partner.fields.get("PARTNER_ID") for partner in partners))
    moments = {
        name.upper(): next((text for qualifier, at in deadlines if qualifier.strip() == kind and (text := _moment(at, day, time))), None)
        for name, (kind, day, time) in _MOMENTS.items()
    }
    return {**shipment.fields, **moments, "PARTNER_SP": carrier}


def _moment(deadline: Segment, day: str, time: str) -> str | None:
    """Day and time as one text yyyymmddHHMMSS; None where the day is not filled."""
    date = (deadline.fields.get(day) or "").strip()
    return date + (deadline.fields.get(time) or "").strip() if date.strip("0") else None


SHIPMENTS = HeadedSpec(
    table="sap/shipments",
    header="E1EDT20",
    line="E1EDL20",
    header_columns=(*_OWN, "partner_sp", *_MOMENTS),
    head=_head,
    lines=lambda delivery, _: [delivery.fields],
    other_fields=frozenset({"QUALF", "PARTNER_Q", "PARTNER_ID", "NTANF", "NTANZ", "NTEND", "NTENZ", "ISDD", "ISDZ", "IEDD", "IEDZ"}),
    labels={
        "partner_sp": "E1ADRM4 SP PARTNER_ID",
        **{name: f"E1EDT10 {kind} {day} {time}" for name, (kind, day, time) in _MOMENTS.items()},
    },
)
"""Grain of sap/shipments: one per delivery of a shipment, one per shipment without deliveries."""
