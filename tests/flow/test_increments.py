"""Nights upon nights: increments equal a full build, in any order of files, and a quiet night changes nothing."""

import shutil

import pytest

from pipelines.contracts import published_contracts
from pipelines.lake import Lake
from pipelines.simulator import write
from pipelines.warehouse import query
from tests.flow.conftest import must_run, prepared
from tests.flow.support import assert_same_content, published_content

pytestmark = pytest.mark.slow

# What is written down about each run differs with the runs; what it says of the facts does not.
OF_RUNS = ("load_manifest", *(name for name, contract in published_contracts().items() if contract.written_by != "dbt"))


@pytest.fixture(scope="module")
def delivered(tmp_path_factory, small_world):
    """All files of the small retailer, outside any landing folder."""
    folder = tmp_path_factory.mktemp("delivered")
    write(small_world, folder / "landing", folder / "truth")
    return folder / "landing"


def _deliver(source, home, names):
    for name in names:
        target = home.landing / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target)


def _names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


_TOLD = """
    select article_id, serial_number, unit_state, site_id, storage_location_id, stock_type_code, special_stock_code, vendor_id,
        customer_id, last_moved_at, last_movement_type, last_document_id, movement_count, status_conflict
    from {} order by all
"""


def test_three_nights_out_of_order_equal_one_full_build_and_each_stays_known(delivered, built_world, tmp_path, monkeypatch):
    home = prepared(tmp_path / "home", monkeypatch)
    names = _names(delivered)
    # The newest third first, then the oldest: facts arrive late by weeks, and change stock and state backwards.
    nights = [names[2::3], names[0::3], names[1::3]]
    told = []
    for night, job in zip(nights, ("facts", "facts", "nightly"), strict=True):
        _deliver(delivered, home, night)
        must_run(home, job)
        moment = query(home.published, "select max(ingested_at) from serial_records").item()
        told.append((moment, query(home.published, _TOLD.format("serials"))))
    for moment, states in told:
        assert query(home.published, _TOLD.format("known_at(?)"), [moment]).equals(states)
    assert_same_content(published_content(home), published_content(built_world.home), but=OF_RUNS)
    _must_look_up_what_the_views_show(home)
    # Sunday's house-keeping merges the nights, and leaves what they say.
    must_run(home, "weekly_housekeeping")
    assert_same_content(published_content(home), published_content(built_world.home), but=OF_RUNS)
    _must_look_up_what_the_views_show(home)


def _must_look_up_what_the_views_show(home) -> None:
    serials = query(home.published, "select distinct serial_number from serials using sample reservoir(25 rows) repeatable (3)")
    for serial in [*serials["serial_number"], "0", "ZZZ"]:
        for macro, view, order in (
            ("unit_card", "serials", "article_id"),
            ("unit_history", "serial_movements", "article_id, sequence_number"),
        ):
            quick = query(home.published, f"select * from {macro}(?) order by {order}", [serial])
            assert quick.equals(query(home.published, f"select * from {view} where serial_number = ? order by {order}", [serial]))
            assert quick.is_empty() == (serial in {"0", "ZZZ"})


def test_a_quiet_night_and_a_delivery_repeated_change_no_fact(built_world, tmp_path, monkeypatch):
    home = prepared(tmp_path / "home", monkeypatch)
    shutil.copytree(built_world.home.root, home.root, dirs_exist_ok=True)
    home.warehouse.unlink()
    lake = Lake(home.lake)
    before = {name: lake.version(f"gold/{name}") for name, contract in published_contracts().items() if contract.written_by != "view"}
    content = published_content(home)
    for name in _names(home.landing)[::7]:
        shutil.copy(home.landing / name, (home.landing / name).with_name("again-" + name.rsplit("/", 1)[-1]))
    must_run(home)
    after = {name: lake.version(f"gold/{name}") for name in before}
    changed = {name for name in before if before[name] != after[name]}
    # Scores are written every night, from the same facts by the same model, and so is what is judged of the roll-out; nothing was trained.
    # Targets and sums follow the forecasts. No forecast was judged anew: its table only notes up to which load it is complete.
    summed = {"demand_forecasts_by_level", "demand_shares"}
    scored = {"demand_forecasts", "return_risk", "stock_targets", "rebalance_proposals"} | summed
    noted = {"demand_accuracy", "demand_accuracy_by_segment"}
    assert changed == {"load_manifest", "rollout_effects", "rollout_decisions"} | scored | noted
    assert_same_content(published_content(home), content, but=("load_manifest",))
