"""The sweeper on the small retailer: planted faults become cases, and what it proposes, once posted, puts the units right."""

import shutil

import polars as pl
import pytest

from pipelines.home import Home
from pipelines.sweeper.decisions import deliver_decision
from pipelines.warehouse import query
from tests.flow.conftest import BuiltWorld, must_run, prepared
from tests.flow.support import published_content

RECALL, PRECISION = 0.98, 0.95


def planted(truth: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per unit and kind of case that the simulator planted."""
    wrong, mistyped = truth["wrong_articles"], truth["mistyped_serials"].filter(pl.col("kind") == "receipt")
    parts = {
        "short": truth["short_deliveries"]["serial_number"],
        "over": truth["over_deliveries"]["serial_number"],
        "not_received": truth["lost_in_transit"]["serial_number"],
        "wrong_article": pl.concat([wrong["serial_number"], wrong["received_serial_number"].alias("serial_number")]),
        "mistyped_serial": pl.concat([mistyped["serial_number"], mistyped["typed_serial_number"].alias("serial_number")]),
    }
    frames = [pl.DataFrame({"kind_code": kind, "serial_number": serials}) for kind, serials in parts.items()]
    return pl.concat([*frames, truth["one_sided_transfers"].select(kind_code="kind", serial_number="serial_number")])


def test_planted_faults_become_cases_and_little_else_does(built_world: BuiltWorld):
    wanted = planted(built_world.truth)
    found = built_world.query("select distinct kind_code, serial_number from discrepancy_case_units")
    hits = found.join(wanted, on=["kind_code", "serial_number"])
    assert set(found["kind_code"]) == set(wanted["kind_code"]), "each kind is planted, and found"
    for kind in ["short", "over", "receipt_not_posted", "placement_missing", "not_received"]:
        of_kind = [frame.filter(pl.col("kind_code") == kind).height for frame in (hits, wanted, found)]
        assert of_kind[0] / of_kind[1] >= RECALL, f"recall of {kind}: {of_kind}"
        assert of_kind[0] / of_kind[2] >= PRECISION, f"precision of {kind}: {of_kind}"
    assert hits.height / wanted.height >= RECALL
    assert hits.height / found.height >= PRECISION


def test_what_a_count_found_stays_a_case_with_its_end(built_world: BuiltWorld):
    ended = built_world.query("select * from discrepancy_cases where kind_code = 'receipt_not_posted' and state_code = 'closed'")
    assert ended.height > 0
    assert ended["ended_date"].null_count() == 0
    assert (ended["ended_date"] >= ended["opened_date"]).all()


def test_what_is_under_way_is_what_the_ledger_says(built_world: BuiltWorld):
    sql = "select article_id, serial_number from {} order by all"
    cards = built_world.query(sql.format("serials where unit_state = 'in_transit'"))
    assert built_world.query(sql.format("in_transit where movement_type is not null")).equals(cards)
    lanes = built_world.query("select * from lanes where lane_kind = 'delivery'")
    # The simulator's carriers take one to three days.
    assert lanes["usual_days"].is_between(1, 3).all()
    assert lanes["limit_days"].is_between(3, 5).all()
    unit = ["article_id", "serial_number"]
    under_way = built_world.query("select * from in_transit")
    cases = built_world.query("select * from discrepancy_case_units")
    assert under_way.filter(pl.col("overdue_days") > 0).join(cases, on=unit, how="anti").is_empty(), "what is overdue is a case"
    missing = cases.filter((pl.col("role_code") == "missing") & pl.col("resolved_at").is_null() & pl.col("seen_site_id").is_null())
    assert missing.height > 50
    assert missing.join(under_way, on=unit, how="anti").is_empty(), "what is missing is still under way"


def test_values_at_stake_are_known(built_world: BuiltWorld):
    worth = built_world.query("select * from discrepancy_cases where kind_code = 'not_received'").row(0, named=True)
    prices = built_world.truth["lost_in_transit"]
    assert worth["units_outstanding"] == prices.height
    assert worth["outstanding_amount"] > 100 * prices.height
    assert worth["currency_code"] == "USD"
    assert worth["claim_id"].startswith("FC")


@pytest.fixture(scope="module")
def lived(built_world, tmp_path_factory):
    """A copy of the small retailer, two runs later: a person approved, and the ERP posted what was approved. Home, cases before."""
    root = tmp_path_factory.mktemp("swept") / "home"
    with pytest.MonkeyPatch.context() as patch:
        shutil.copytree(built_world.home.root, root)
        home = prepared(root, patch)
        cases = query(home.published, "select * from discrepancy_cases where state_code = 'proposed' and proposal_file like '%.xml'")
        by_action = cases.sort("case_id").unique("action_code", keep="first", maintain_order=True)
        day = cases["as_of_date"][0]
        told = {"decided_by": "K17", "reason": "seen", "day": day}
        rejected = cases.filter(pl.col("action_code") == "receive_and_push_back").sort("case_id")["case_id"][-1]
        deliver_decision(home, cases, by_action["case_id"].to_list(), decision="approve", **told)
        deliver_decision(home, cases, [rejected], decision="reject", **told)
        must_run(home, "facts")
        approved = query(home.published, "select * from discrepancy_cases where state_code = 'approved'")
        for file in (home.root / "outbox/sweeper/approved").glob("*.xml"):
            shutil.copy(file, home.landing / "sap" / "idoc" / f"posted_{file.name}")
        must_run(home, "facts")
    return home, by_action, approved, rejected


def test_approved_cases_are_posted_when_the_erp_says_so(lived):
    home, by_action, approved, rejected = lived
    assert set(approved["case_id"]) == set(by_action["case_id"])
    assert set(by_action["action_code"]) == {"receive_and_push_back", "receive_late", "post_issue"}
    states = query(home.published, "select case_id, state_code, units_outstanding from discrepancy_cases")
    after = states.filter(pl.col("case_id").is_in(by_action["case_id"].implode()))
    assert set(after.select("state_code", "units_outstanding").rows()) == {("posted", 0)}
    assert states.filter(pl.col("case_id") == rejected)["state_code"].item() == "rejected"


def test_units_are_where_they_belong_after_the_posting(lived, built_world):
    home, by_action, _, _ = lived
    pushed = by_action.filter(pl.col("action_code") == "receive_and_push_back")
    where = _cards(home, _units(built_world.home, pushed))
    assert where.select("unit_state", "site_id").unique().rows() == [("in_stock", pushed["origin_id"][0])]
    others = by_action.filter(pl.col("action_code") != "receive_and_push_back")
    # What was under way has arrived; a receipt or an issue posted late, for its own day, moves nothing that has gone on since.
    serials = _units(built_world.home, others)
    assert len(serials) >= others.height
    arrived = pl.col("unit_state").replace("in_transit", "in_stock")
    assert _cards(home, serials).equals(_cards(built_world.home, serials).with_columns(arrived))


def test_a_quiet_sweep_writes_nothing(lived, monkeypatch):
    home = lived[0]
    prepared(home.root, monkeypatch)
    folder = home.root / "outbox" / "sweeper"
    before, content = {path: path.read_bytes() for path in folder.rglob("*.*")}, published_content(home)
    must_run(home, "facts")
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before
    assert published_content(home)["discrepancy_cases"].equals(content["discrepancy_cases"])


def _units(home: Home, cases: pl.DataFrame) -> list[str]:
    sql = "select serial_number from discrepancy_case_units where case_id in (select unnest(?::varchar[]))"
    return query(home.published, sql, [cases["case_id"].to_list()])["serial_number"].to_list()


def _cards(home: Home, serials: list[str]) -> pl.DataFrame:
    sql = """
        select article_id, serial_number, unit_state, site_id from serials
        where serial_number in (select unnest(?::varchar[])) order by all
    """
    return query(home.published, sql, [serials])
