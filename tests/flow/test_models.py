"""Models in the nightly run: cards, forecasts and scores are published with the facts, and a model that is not fit stops its scores."""

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from pipelines.contracts import published_contracts
from pipelines.defs import models as definitions
from pipelines.defs.resources import Lakehouse
from pipelines.home import Home
from pipelines.lake import Lake
from pipelines.models.artefacts import kept_texts
from pipelines.models.cards import Decision, ModelCard
from pipelines.models.metrics import Metric
from pipelines.models.registry import CARDS, champion, model_version, record, save
from pipelines.models.scoring import scores_are_current
from pipelines.models.trials import roll_back, train_again
from pipelines.models.use_cases import USE_CASES
from pipelines.params import read_params
from pipelines.publish import publish_scores, published_versions
from pipelines.warehouse import query
from tests.flow.conftest import prepared


def test_both_models_are_judged_and_better_than_their_baselines(built_world):
    cards = built_world.query("select * from model_cards order by model_name")
    assert cards["model_name"].to_list() == ["demand", "returns"]
    assert cards["decision_code"].to_list() == ["promoted", "promoted"]
    assert cards.select((pl.col("loss") < pl.col("baseline_loss")).all()).item()
    assert json.loads(cards["data_versions_json"][0])["sales_daily"] == published_versions(built_world.home)["sales_daily"]


def test_model_files_and_card_lie_where_the_table_says(built_world):
    for name, version in built_world.query("select model_name, model_version from model_cards").iter_rows():
        files = sorted(path.name for path in (built_world.home.models / name / version).iterdir())
        assert files == ["card.md", "model.json", "model.txt"]


def test_the_asset_pages_show_how_good_the_models_are(built_world):
    with dg.DagsterInstance.from_config(str(built_world.home.dagster)) as instance:
        for name, plots in {"demand": 3, "returns": 2}.items():
            event = instance.get_latest_materialization_event(dg.AssetKey(["models", name]))
            metadata = event.asset_materialization.metadata
            assert sum("data:image/png;base64," in str(value.value) for value in metadata.values()) == plots
            assert metadata["decision"].value == "promoted"


def test_every_series_is_forecast_for_28_days_after_the_last_observed_one(built_world):
    forecast = built_world.query("""
        select article_id, site_id, min(forecast_date) as first, max(forecast_date) as last, count(*) as days,
            max(features_as_of_date) as known,
            bool_and(units_p10 <= units_p50 and units_p50 <= units_p90 and expected_units > 0) as ordered
        from demand_forecasts group by all""")
    last = built_world.query("select max(sales_date) from sales_daily where units_sold > 0").item()
    sold = built_world.query("select distinct article_id, site_id from sales_daily where units_sold > 0")
    assert forecast.join(sold, on=["article_id", "site_id"]).height == forecast.height == sold.height
    assert forecast.select(pl.col("days").unique()).to_series().to_list() == [28]
    assert (forecast["known"].unique().to_list(), forecast["ordered"].all()) == ([last], True)
    assert (forecast["first"] - forecast["known"]).dt.total_days().unique().to_list() == [1]


def test_the_forecast_is_of_the_size_of_what_sells(built_world):
    forecast = built_world.query("select sum(expected_units) / 28 from demand_forecasts").item()
    last = built_world.query("select max(sales_date) from sales_daily where units_sold > 0").item()
    sold = built_world.query("select sum(units_sold) / 28 from sales_daily where sales_date > ?::date - 28", last).item()
    assert forecast == pytest.approx(float(sold), rel=0.3)


def test_all_levels_agree_with_the_forecasts_and_shares_add_up(built_world):
    levels = built_world.query("""
        select level_code, period_name, sum(expected_units) as units, bool_and(units_p05 <= units_p50 and units_p50 <= units_p95) as ordered
        from demand_forecasts_by_level group by all""")
    assert levels.height == 15
    assert levels["ordered"].all()
    total = built_world.query("select sum(expected_units) from demand_forecasts").item()
    assert levels["units"].to_list() == pytest.approx([total] * 15, rel=1e-6)
    shares = built_world.query("select sum(expected_share) from demand_shares group by generic_article_id, region_code, attribute_name")
    assert shares.height > 0
    assert shares.to_series().to_list() == pytest.approx([1.0] * shares.height, abs=1e-5)


def test_risk_is_scored_for_units_that_may_still_come_back_and_no_other(built_world):
    wrong = built_world.query("""
        select r.* from return_risk r left join serials s using (article_id, serial_number)
        where s.unit_state is distinct from 'with_customer' and not s.has_conflict""")
    assert wrong.is_empty()
    figures = built_world.query(
        "select min(days_since_sale), max(days_since_sale), min(remaining_probability), max(return_probability) from return_risk"
    )
    youngest, oldest, least, most = figures.row(0)
    assert youngest >= 0
    assert oldest == 29
    assert 0 <= least <= most < 1


def test_scores_name_the_model_that_made_them(built_world):
    used = built_world.query("select distinct model_version from demand_forecasts union select distinct model_version from return_risk")
    assert sorted(used["model_version"]) == sorted(built_world.query("select model_version from model_cards")["model_version"])


def test_the_cards_name_everything_that_a_training_was_made_of(built_world):
    cards = built_world.query("select * from model_cards order by model_name")
    lake = Lake(built_world.home.lake)
    assert cards["alias_name"].to_list() == ["champion", "champion"]
    assert cards.select(pl.col("labels_mature_until_date") < pl.col("trained_as_of_date")).to_series().all()
    for card, kept in zip(cards.iter_rows(named=True), ("ml/demand_panel", "ml/return_cases"), strict=True):
        versions = json.loads(card["data_versions_json"])
        assert {kept, "bronze/pos/receipts", "bronze/marketing/campaigns", "sales_daily", "manifest"} <= set(versions)
        assert lake.read(kept, version=versions[kept]).height > 1000
        segments = {row["segment"]: row for row in json.loads(card["segments_json"])}
        assert segments["all"]["loss_low"] < card["loss"] < segments["all"]["loss_high"]
        assert set(kept_texts(lake, card["model_name"], card["model_version"])) == {"model.txt", "model.json"}
    assert any("/" in row["segment"] for row in json.loads(cards["segments_json"][0]))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["demand", "returns"])
def test_a_version_trained_again_from_its_card_gives_the_same_texts(built_world, name):
    lake = Lake(built_world.home.lake)
    card = lake.read(CARDS).filter(pl.col("model_name") == name).row(0, named=True)
    told, found = train_again(lake, USE_CASES[name], card, read_params())
    assert told == found


def test_what_is_forecast_is_kept_as_it_was_said_and_nothing_has_matured_yet(built_world):
    lake = Lake(built_world.home.lake)
    said = lake.read("ml/demand_forecasts")
    published = built_world.query("select * from demand_forecasts")
    told = said.drop("alias_name").sort("article_id", "site_id", "forecast_date")
    assert told.equals(published.select(told.columns))
    assert said["alias_name"].unique().to_list() == ["champion"]
    assert built_world.query("select count(*) from demand_accuracy").item() == 0
    assert lake.fingerprint("gold/demand_accuracy")["matured_until"] == str(said["features_as_of_date"][0] - timedelta(days=7))


def test_a_rollback_scores_anew_with_the_version_before(copied):
    lake = Lake(copied.lake)
    present = query(copied.published, "select * from model_cards where model_name = 'returns'").row(0, named=True)
    files = champion(copied, lake, "returns").files
    # A later version, promoted, that everybody regrets.
    worse = replace(
        learned_card(present), model_version=model_version(files, present["trained_as_of_date"], "other"), params_version="other"
    )
    save(copied, lake, worse, files)
    record(lake, published_contracts()["model_cards"], worse)
    assert not scores_are_current(copied, lake)
    assert roll_back(lake, "returns", to=None, now=datetime(2026, 8, 1)) == present["model_version"]
    assert champion(copied, lake, "returns").model_version == present["model_version"]


def learned_card(row) -> ModelCard:
    return ModelCard(
        model_name=row["model_name"], model_version=row["model_version"], trained_as_of=row["trained_as_of_date"],
        trained_at=row["trained_at"], held_back="", baseline_name="", metrics=[Metric("log_loss", 0.1, 0.2)], calibration=[],
        training_rows=1, features=[], seed=1, params_version=row["params_version"], params={}, data_versions={}, learner_name="",
        decision=Decision("promoted", ""),
    )  # fmt: skip


def test_the_scores_belong_to_the_facts_that_are_published(built_world):
    assert scores_are_current(built_world.home, Lake(built_world.home.lake))


@pytest.fixture
def copied(built_world, tmp_path, monkeypatch) -> Home:
    """A copy of the built world, free to change."""
    shutil.copytree(built_world.home.root, tmp_path / "home", ignore=shutil.ignore_patterns("dagster", "landing"))
    return prepared(tmp_path / "home", monkeypatch)


def _run(home: Home, name: str) -> dg.ExecuteInProcessResult:
    use_case = USE_CASES[name]
    assets = [definitions.training_asset(use_case), definitions.scoring_asset(use_case)]
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            assets, run_config=quiet, resources={"lakehouse": Lakehouse(root=str(home.root))}, instance=instance, raise_on_error=False
        )


def test_a_champion_stands_until_training_is_due(copied):
    before = query(copied.published, "select * exclude (scored_at) from return_risk order by all")
    result = _run(copied, "returns")
    assert result.success
    assert query(copied.published, "select count(*) from model_cards").item() == 2
    assert query(copied.published, "select * exclude (scored_at) from return_risk order by all").equals(before)


def test_a_model_that_looks_too_good_is_refused_and_nothing_is_scored(copied, monkeypatch):
    params = read_params()
    strict = replace(params, returns=replace(params.returns, suspicious_auc=0.0))
    monkeypatch.setattr(definitions, "read_params", lambda: strict)
    served = copied.published.read_bytes()
    before = query(copied.published, "select * from return_risk order by all")
    result = _run(copied, "returns")
    assert not result.success
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR]
    assert [check.check_name for check in failed] == ["promotion"]
    assert "leaked from the future" in failed[0].description
    assert "gold__return_risk" not in {event.step_key for event in result.all_events if event.event_type_value == "STEP_START"}
    assert query(copied.published, "select * from return_risk order by all").equals(before)
    decided = query(copied.published, "select decision_code from model_cards where model_name = 'returns' order by trained_at")
    assert decided["decision_code"].to_list() == ["promoted", "refused"]
    assert copied.published.read_bytes() != served


def test_publishing_a_score_leaves_the_facts_as_they_are_served(copied):
    contracts, lake = published_contracts(), Lake(copied.lake)
    served = published_versions(copied)
    lake.replace("gold/sites", _rows(lake, "gold/sites"), {"unfinished": True})
    lake.replace("gold/return_risk", _rows(lake, "gold/return_risk"), {})
    publish_scores(copied, lake, contracts, ["return_risk"], now=Lakehouse().now())
    now_served = published_versions(copied)
    assert now_served["return_risk"] == served["return_risk"] + 1
    assert now_served["sites"] == served["sites"]


def _rows(lake: Lake, table: str):
    arrow = lake.read(table).head(1).to_arrow(compat_level=pl.CompatLevel.oldest())
    return arrow.to_reader()


def test_the_facts_job_trains_and_scores_nothing():
    from pipelines.definitions import defs

    selected = defs().resolve_job_def("facts").asset_layer.executable_asset_keys
    names = {key.to_user_string() for key in selected}
    assert "gold/serials" in names
    assert not {name for name in names if name.startswith("models/")} | names & {"gold/demand_forecasts", "gold/return_risk"}
