"""Where Tryton itself says that every lot is: `Product.products_by_location`, asked in a process of its own, printed as JSON."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from trytond.pool import Pool
from trytond.transaction import Transaction


def places(database: str) -> list[list]:
    """One entry per article, lot and location that holds any of it: article, lot, location's code or name, quantity."""
    Pool.start()
    pool = Pool(database)
    pool.init()
    today = datetime.now(UTC).date()
    with Transaction().start(database, 0, readonly=True, context={"company": 1, "stock_date_end": today}):
        product, lot, location = (pool.get(name) for name in ("product.product", "stock.lot", "stock.location"))
        everywhere = [place.id for place in location.search([("type", "not in", ["view", "warehouse"])])]
        held = product.products_by_location(everywhere, grouping=("product", "lot"), with_childs=False)
        return [
            [product(product_id).code, lot(lot_id).number, location(place).code or location(place).name, quantity]
            for (place, product_id, lot_id), quantity in held.items()
            if lot_id and quantity
        ]


if __name__ == "__main__":
    print(json.dumps(places(*sys.argv[1:])))
