"""Families: which reader takes the IDocs of a message, and into which tables.

Choosing the reader by a message and the contracts that name it belongs here; what segments mean is told in one module per family.
What each type gives is listed in IDOC_TYPES.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol

import polars as pl

from pipelines.contracts import Contract
from pipelines.sources.idoc.deliveries import Deliveries
from pipelines.sources.idoc.goods_movements import GoodsMovements
from pipelines.sources.idoc.headed_lines import HeadedLines
from pipelines.sources.idoc.master_data import MASTER_DATA, MasterData
from pipelines.sources.idoc.receipts import Receipts
from pipelines.sources.idoc.shipments import SHIPMENTS
from pipelines.sources.idoc.statuses import Statuses
from pipelines.sources.idoc.store_documents import SALES_TOTALS, STORE_MOVEMENTS
from pipelines.sources.idoc.tree import STATUS, Idoc, message_of

__all__ = ["Family", "family_of", "fields_of", "message_of", "messages_of"]


class Family(Protocol):
    """Collects the IDocs of one message."""

    labels: Mapping[str, str]
    """Names of fields as the sender knows them, by column, where they differ."""

    def add(self, idoc: Idoc) -> int:
        """Take one IDoc. Returns the records it makes."""
        ...

    def records(self) -> dict[str, pl.DataFrame]:
        """All records by table, as `conversion.gathered` gives them."""
        ...


_FAMILIES: Mapping[str, tuple[str, Callable[[Mapping[str, Contract]], Family], Collection[str]]] = {
    "MBGMCR": ("sap/goods_movements", lambda ours: GoodsMovements(ours["sap/goods_movements"]), GoodsMovements.other_fields),
    "DELVRY": ("sap/deliveries", Deliveries, Deliveries.other_fields),
    STATUS: ("sap/idoc_statuses", lambda ours: Statuses(ours["sap/idoc_statuses"]), ()),
    "WPUBON": ("pos/receipts", lambda ours: Receipts(ours["pos/receipts"]), Receipts.other_fields),
    **{
        message: (spec.table, lambda ours, spec=spec: HeadedLines(ours[spec.table], spec), spec.other_fields)
        for message, spec in (("SHPMNT", SHIPMENTS), ("WPUWBW", STORE_MOVEMENTS), ("WPUUMS", SALES_TOTALS))
    },
    **{message: (spec.main, lambda ours, spec=spec: MasterData(ours, spec), spec.other_fields) for message, spec in MASTER_DATA.items()},
}
"""By message: the table without which there is no reading it, what makes its reader, and fields that bear no column's name."""


def messages_of(contract: Contract) -> tuple[str, ...]:
    """Messages that fill the contract's table: its `idocMessage`, one or a list."""
    given = contract.custom("idocMessage") or ()
    return (given,) if isinstance(given, str) else tuple(given)


def family_of(message: str, contracts: Mapping[str, Contract]) -> Family | None:
    """What reads the message into those of the tables that name it; None where its main table has no contract."""
    ours = {table: contract for table, contract in contracts.items() if message in messages_of(contract)}
    if message not in _FAMILIES or _FAMILIES[message][0] not in ours:
        return None
    return _FAMILIES[message][1](ours)


def fields_of(contracts: Iterable[Contract]) -> dict[str, frozenset[str]]:
    """Names of all fields that the reader of a message looks at, by message."""
    fields: dict[str, set[str]] = {}
    for contract in contracts:
        for message in messages_of(contract):
            fields.setdefault(message, set()).update(column.name.upper() for column in contract.columns)
    return {message: frozenset(names.union(_FAMILIES[message][2] if message in _FAMILIES else ())) for message, names in fields.items()}
