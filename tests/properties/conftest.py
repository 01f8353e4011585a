"""How many worlds hypothesis draws, and the warehouse that they are built in."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.properties.compiled import CompiledLedger

EXAMPLES = int(os.environ.get("SERIALAKE_PROPERTY_EXAMPLES", "10"))
"""Drawn worlds per property, the same in every run; more of them, and others, where the variable says so."""

FACTS = (
    *("serials", "serial_movements", "serial_stays", "serial_conflicts", "serial_records", "stock_current", "stock_daily"),
    *("deliveries", "returns", "unit_origins"),
)
"""Published tables of units, stock and deliveries."""

_UNHEARD = ("tryton", "epcis", "material_documents", "s4", "store_movements", "warehouse_receipts", "tabular_sales")
SILENT = ("int_bulk_records", *(f"int_records_from_{name}" for name in _UNHEARD))
"""Models of sources that no drawn history is told by."""

settings.register_profile(
    "ledger",
    max_examples=EXAMPLES,
    derandomize="SERIALAKE_PROPERTY_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module")
def ledger(compiled):
    """A warehouse in memory for the properties of one module; each example begins by clearing it."""
    return CompiledLedger(*compiled, marts=FACTS, silent=SILENT)
