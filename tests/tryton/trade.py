"""Trade in a running Tryton, through its own client library: what a company's people would do, and never SQL.

A program of its own, as every worker of a Tryton server is; TRYTOND_CONFIG names the server's settings. Prints what it did as JSON.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import date, timedelta
from decimal import Decimal

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, get_accounts
from trytond.modules.company.tests.tools import create_company

FIRST_DAY = date(2025, 1, 6)
PRICE = Decimal("500")


class Trader:
    """One person at one company; `today` is the day that documents bear."""

    def __init__(self, seed: int) -> None:
        """Find what the company consists of."""
        self.random = random.Random(seed)
        self.seed = seed
        self.today = FIRST_DAY
        find = {code: location for location in Model.get("stock.location").find([]) if (code := location.code)}
        self.places = find
        self.products = {p.code: p for p in Model.get("product.product").find([])}
        parties = {p.code: p for p in Model.get("party.party").find([])}
        self.supplier, self.customers = parties["SUPPLIER"], [p for code, p in parties.items() if code.startswith("CUSTOMER")]
        self.stock: dict[str, list] = {"STO": [], "SHOP": [], "STO2": []}
        self.sold: list = []
        self.numbers = 0

    def lots(self, *codes: str) -> list:
        """New serial numbers, one for each article named."""
        Lot = Model.get("stock.lot")
        first, self.numbers = self.numbers + 1, self.numbers + len(codes)
        lots = [Lot(number=f"SN{self.seed:02}{number:06}", product=self.products[code]) for number, code in enumerate(codes, first)]
        Lot.save(lots)
        return lots

    def any_articles(self, count: int) -> list[str]:
        """Articles whose units have serial numbers."""
        return self.random.choices(["PHONE", "TABLET", "WATCH"], k=count)

    def take(self, place: str, count: int = 1) -> list:
        """Any units of a place, or as many as there are."""
        here = self.stock[place]
        taken = self.random.sample(here, min(count, len(here)))
        self.stock[place] = [lot for lot in here if lot not in taken]
        return taken

    def document(self, model: str, lots: list, line: str, origin: str, target: str, *, day: int, **fields: object):
        """A draft of a shipment on a day of this month, one line per unit."""
        document = Model.get(model)(effective_date=self.today + timedelta(days=day), **fields)
        for lot in lots:
            move = getattr(document, line).new()
            move.product, move.lot, move.quantity = lot.product, lot, 1
            move.from_location, move.to_location = self.places[origin], self.places[target]
            if {origin, target} & {"SUP", "CUS"}:
                move.unit_price, move.currency = PRICE, move.company.currency
        return document

    def go(self, documents: list, *steps: str) -> None:
        """Save the documents and do their steps."""
        model = type(documents[0])
        model.save(documents)
        for step in steps:
            model.click(documents, step)

    def receipt(self, lots: list, *, day: int):
        """Units come from a supplier."""
        self.stock["STO"] += lots
        place = {"supplier": self.supplier, "warehouse": self.places["WH"]}
        return self.document("stock.shipment.in", lots, "incoming_moves", "SUP", "IN", day=day, **place)

    def purchase(self, count: int, *, day: int):
        """The same by a purchase order."""
        warehouse = self.places["WH"]
        purchase = Model.get("purchase.purchase")(party=self.supplier, invoice_method="manual", warehouse=warehouse)
        purchase.purchase_date = self.today + timedelta(days=day)
        for _ in range(count):
            line = purchase.lines.new()
            line.product, line.quantity, line.unit_price = self.products["PHONE"], 1, PRICE
        self.go([purchase], "quote", "confirm", "process")
        purchase.reload()
        shipment = Model.get("stock.shipment.in")(supplier=self.supplier, warehouse=warehouse, effective_date=purchase.purchase_date)
        for move in purchase.moves:
            shipment.incoming_moves.append(Model.get("stock.move")(move.id))
        shipment.save()
        for move, lot in zip(shipment.incoming_moves, self.lots(*["PHONE"] * count), strict=True):
            move.lot = lot
            move.save()
            self.stock["STO"].append(lot)
        return shipment

    def delivery(self, count: int, *, day: int):
        """Units go to a customer."""
        lots = self.take("STO", count)
        self.sold += lots
        place = {"customer": self.random.choice(self.customers), "warehouse": self.places["WH"]}
        return self.document("stock.shipment.out", lots, "outgoing_moves", "OUT", "CUS", day=day, **place)

    def sale(self, *, day: int):
        """The same by a sales order."""
        (lot,) = self.take("STO")
        sale = Model.get("sale.sale")(party=self.customers[0], invoice_method="manual", warehouse=self.places["WH"])
        sale.sale_date = self.today + timedelta(days=day)
        line = sale.lines.new()
        line.product, line.quantity, line.unit_price = lot.product, 1, PRICE
        self.go([sale], "quote", "confirm", "process")
        sale.reload()
        shipment = Model.get("stock.shipment.out")(sale.shipments[0].id)
        if shipment.state != "draft":
            shipment.click("draft")
        shipment.effective_date = sale.sale_date
        shipment.save()
        move = shipment.outgoing_moves[0]
        move.lot = lot
        move.save()
        self.sold.append(lot)
        return Model.get("stock.shipment.out")(shipment.id)

    def customer_return(self, *, day: int):
        """A customer brings a unit back; it is put away the same day."""
        lot = self.sold.pop(self.random.randrange(len(self.sold)))
        self.stock["STO"].append(lot)
        place = {"customer": self.random.choice(self.customers), "warehouse": self.places["WH"]}
        return self.document("stock.shipment.out.return", [lot], "incoming_moves", "CUS", "IN", day=day, **place)

    def supplier_return(self, *, day: int):
        """A unit goes back to the supplier."""
        place = {"supplier": self.supplier, "from_location": self.places["STO"], "to_location": self.places["SUP"]}
        return self.document("stock.shipment.in.return", self.take("STO"), "moves", "STO", "SUP", day=day, **place)

    def transfer(self, origin: str, target: str, count: int, *, day: int):
        """Units go from one place to another; between warehouses they are in transit in between."""
        lots = self.take(origin, count)
        self.stock[target] += lots
        place = {"from_location": self.places[origin], "to_location": self.places[target]}
        start = {"effective_start_date": self.today + timedelta(days=day - 1)}
        return self.document("stock.shipment.internal", lots, "moves", origin, target, day=day, **place, **start)

    def count(self, *, day: int):
        """A count of the storage zone: one unit is missing, and one that nobody knew is found."""
        (lost,), (found,) = self.take("STO"), self.lots("WATCH")
        inventory = Model.get("stock.inventory")(location=self.places["STO"], empty_quantity="keep")
        inventory.date = self.today + timedelta(days=day)
        for lot, quantity in ((lost, 0), (found, 1)):
            line = inventory.lines.new()
            line.product, line.lot, line.quantity = lot.product, lot, quantity
        self.stock["STO"].append(found)
        return inventory

    def post(self, lot, origin: str, target: str, quantity: int = 1):
        """A move of no document."""
        move = Model.get("stock.move")(product=lot.product, lot=lot, quantity=quantity, effective_date=self.today)
        move.from_location, move.to_location = self.places[origin], self.places[target]
        move.unit_price, move.currency = PRICE, move.company.currency
        self.go([move], "do")
        return move

    def month(self, number: int) -> None:
        """One month of everything, each document on its own day."""
        receipts = [self.receipt(self.lots(*self.any_articles(7)), day=0), self.receipt(self.lots(*self.any_articles(5)), day=1)]
        receipts += [self.purchase(2, day=2)] if number % 3 == 0 else []
        self.go(receipts, "receive", "do")
        deliveries = [self.delivery(3, day=3), self.delivery(2, day=4), self.delivery(1, day=5)]
        deliveries += [self.sale(day=5)] if number % 3 == 1 else []
        self.go(deliveries, "wait", "assign_force", "pick", "pack", "do")
        inside = [self.transfer("STO", "SHOP", 2, day=6)]
        inside += [self.transfer("SHOP", "STO", 1, day=7)] if number % 2 else []
        self.go(inside, "wait", "assign_force", "do")
        self.go([self.customer_return(day=8), self.customer_return(day=9)], "receive", "do")
        between = [self.transfer("STO", "STO2", 2, day=12)]
        between += [self.transfer("STO2", "STO", 1, day=14)] if number % 2 else []
        self.go(between, "wait", "assign_force", "pack", "ship", "do")
        # What came back is sold again, on the day it came.
        self.go([self.delivery(2, day=14)], "wait", "assign_force", "pick", "pack", "do")
        if number % 4 == 2:
            self.go([self.supplier_return(day=16)], "wait", "assign_force", "do")
            self.go([self.count(day=17)], "confirm")
        self.today += timedelta(days=30)


def set_up() -> None:
    """Create a company with two warehouses, articles, a supplier and customers."""
    create_company()
    create_chart()
    Party = Model.get("party.party")
    Party.save([Party(name=f"Party of {code}", code=code) for code in ("SUPPLIER", "CUSTOMER1", "CUSTOMER2", "CUSTOMER3")])
    accounts = get_accounts()
    category = Model.get("product.category")(
        name="Goods", accounting=True, account_expense=accounts["expense"], account_revenue=accounts["revenue"]
    )
    category.save()
    (unit,) = Model.get("product.uom").find([("name", "=", "Unit")])
    for code in ("PHONE", "TABLET", "WATCH", "BATCH", "CABLE"):
        template = Model.get("product.template")(name=f"The {code.lower()}", code=code, default_uom=unit, type="goods")
        template.list_price, template.purchasable, template.salable, template.account_category = PRICE, True, True, category
        if code in ("PHONE", "TABLET", "WATCH"):
            template.lot_required, template.lot_uom = ["storage"], unit
        template.save()
    _places()


def _places() -> None:
    """A shop in the warehouse, and a second warehouse a day away."""
    Location = Model.get("stock.location")
    by_code = {location.code: location for location in Location.find([])}
    Location(name="Shop", code="SHOP", type="storage", parent=by_code["STO"]).save()
    (second,) = by_code["WH"].duplicate()
    second.code, second.name = "WH2", "Second warehouse"
    second.save()
    for name, code in (("input_location", "IN2"), ("output_location", "OUT2"), ("storage_location", "STO2")):
        location = getattr(second, name)
        location.code, location.name = code, f"{location.name} 2"
        location.save()
    for location in Location.find([("code", "=", "SHOP")]):
        if location.parent.code == "STO2":
            location.code = "SHOP2"
            location.save()
    for days in ((by_code["WH"], second), (second, by_code["WH"])):
        Model.get("stock.location.lead_time")(warehouse_from=days[0], warehouse_to=days[1], lead_time=timedelta(1)).save()


def main(database: str, task: str, *arguments: str) -> dict:
    """Do one task; returns what the test has to know of it."""
    session = config.set_trytond(database)
    # Nobody sits there to answer: go on, where a person would be asked whether that is meant.
    session.skip_warning = True
    if task == "set_up":
        set_up()
        return {}
    return TASKS[task](Trader(int(arguments[0])), *arguments[1:])


def year(trader: Trader, months: str = "12") -> dict:
    """A year of trade, with what is special at its end: a unit on the way, a batch, a plan, a move of no document."""
    for number in range(int(months)):
        trader.month(number)
    left = trader.transfer("STO", "STO2", 1, day=0)
    trader.go([left], "wait", "assign_force", "pack", "ship")
    batch = Model.get("stock.lot")(number="BATCH-1", product=trader.products["BATCH"])
    batch.save()
    trader.post(batch, "SUP", "STO", quantity=40)
    (posted, planned) = trader.lots("PHONE", "PHONE")
    move = trader.post(posted, "SUP", "STO")
    plan = trader.receipt([planned], day=0)
    plan.effective_date = None
    trader.go([plan])
    return {
        "in_transit": left.moves[0].lot.number, "posted": posted.number, "posted_move": move.id,
        "plan": plan.id, "planned": planned.number,
    }  # fmt: skip


def busy(trader: Trader, months: str) -> dict:
    """Some months of trade by somebody else, while others look on."""
    for number in range(int(months)):
        trader.month(number)
    return {"units": trader.numbers}


def undo(trader: Trader, move: str, plan: str) -> dict:
    """Cancel a move that was done, and delete a plan."""
    shipment = Model.get("stock.shipment.in")(int(plan))
    shipment.click("cancel")
    shipment.delete()
    Model.get("stock.move")(int(move)).click("cancel")
    return {}


TASKS = {"year": year, "busy": busy, "undo": undo}

if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
