"""Tryton: what is read from the database of a Tryton server, table by table, in Tryton's own words.

Relations, joins and the SQL behind a contract's columns belong here. Snapshots do not (postgres.py), nor does what the rows mean
(dbt_project/models/staging/tryton). The columns are those of data_contracts/sources/tryton.
"""

from __future__ import annotations

from pipelines.live.tables import LiveSystem, LiveTable, Part

__all__ = ["TRYTON"]


def _shipments(model: str, relation: str, *, party: str | None, columns: dict[str, str]) -> Part:
    """One of the five kinds of shipment, in the shape they share; the key is written as Tryton's references to it are."""
    joins = f"left join party_party as party on party.id = entry.{party}" if party else ""
    names = {
        "id": f"'{model},' || entry.id",
        "model": f"'{model}'",
        "party": f"entry.{party}" if party else "null::int",
        "party_code": "party.code" if party else "null::text",
        # Customers are known by their code alone: a name that is not read cannot leak.
        "supplier_name": "party.name" if party == "supplier" else "null::text",
        "warehouse": "null::int",
        "from_location": "null::int",
        "to_location": "null::int",
    }
    return Part(relation, names | columns, joins=joins, joined={"party_party": ("id", "code", "name")} if party else {})


_ORIGIN = "case when entry.origin like '{model},%' then split_part(entry.origin, ',', 2)::int end"

_MOVES = Part(
    "stock_move",
    {
        "product_code": "product.code",
        "lot_number": "lot.number",
        "purchase_number": "purchase_purchase.number",
        "sale_number": "sale_sale.number",
        # The day as the company's people see it, so that it can be compared with the day they chose.
        "write_local_date": (
            "(coalesce(entry.write_date, entry.create_date) at time zone 'UTC'"
            " at time zone coalesce(nullif(company.timezone, ''), 'UTC'))::date"
        ),
    },
    joins="""
        left join product_product as product on product.id = entry.product
        left join stock_lot as lot on lot.id = entry.lot
        left join company_company as company on company.id = entry.company
    """,
    joined={"product_product": ("id", "code"), "stock_lot": ("id", "number"), "company_company": ("id", "timezone")},
    optional={
        "purchase_purchase": f"""
            left join purchase_line on purchase_line.id = {_ORIGIN.format(model="purchase.line")}
            left join purchase_purchase on purchase_purchase.id = purchase_line.purchase
        """,
        "sale_sale": f"""
            left join sale_line on sale_line.id = {_ORIGIN.format(model="sale.line")}
            left join sale_sale on sale_sale.id = sale_line.sale
        """,
    },
)

_SHIPMENTS = (
    _shipments("stock.shipment.in", "stock_shipment_in", party="supplier", columns={"warehouse": "entry.warehouse"}),
    _shipments(
        "stock.shipment.in.return",
        "stock_shipment_in_return",
        party="supplier",
        columns={"from_location": "entry.from_location", "to_location": "entry.to_location"},
    ),
    _shipments("stock.shipment.out", "stock_shipment_out", party="customer", columns={"warehouse": "entry.warehouse"}),
    _shipments("stock.shipment.out.return", "stock_shipment_out_return", party="customer", columns={"warehouse": "entry.warehouse"}),
    _shipments(
        "stock.shipment.internal",
        "stock_shipment_internal",
        party=None,
        columns={"from_location": "entry.from_location", "to_location": "entry.to_location"},
    ),
)

TRYTON = LiveSystem(
    name="tryton",
    tables=(
        LiveTable("templates", (Part("product_template", {}),)),
        LiveTable("products", (Part("product_product", {}),)),
        LiveTable("parties", (Part("party_party", {}),)),
        LiveTable("locations", (Part("stock_location", {}),)),
        LiveTable("lots", (Part("stock_lot", {}),)),
        LiveTable("inventories", (Part("stock_inventory", {}),)),
        LiveTable("inventory_lines", (Part("stock_inventory_line", {}),)),
        LiveTable("shipments", _SHIPMENTS),
        LiveTable("moves", (_MOVES,)),
    ),
    modules={
        "product_template": "product",
        "product_product": "product",
        "party_party": "party",
        "company_company": "company",
        "stock_lot": "stock_lot",
        "stock_move.lot": "stock_lot",
        "stock_inventory_line.lot": "stock_lot",
    },
    default_module="stock",
)
