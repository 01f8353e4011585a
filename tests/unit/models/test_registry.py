"""Registry: a model is kept whole or not at all, once, and the newest promoted one is the champion."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from pipelines.contracts import published_contracts
from pipelines.home import project_root
from pipelines.lake import Lake
from pipelines.models.cards import NOT_BETTER, PROMOTED, Decision, ModelCard, decide
from pipelines.models.learning import is_due
from pipelines.models.metrics import Metric
from pipelines.models.registry import CARDS, ModelFiles, champion, model_version, record, save
from pipelines.params import ParamsError, read_params

CONTRACT = published_contracts()["model_cards"]
FILES = ModelFiles("tree\nleaf=1.5\n", {"spread": [{"upper_edge": None, "units_p50": 0.9}], "features": ["a", "b"]})


def _card(files=FILES, day=date(2026, 3, 1), code=PROMOTED, knobs="p"):
    return ModelCard(
        model_name="demand", model_version=model_version(files, day, knobs), trained_as_of=day, trained_at=datetime(2026, 3, 2),
        held_back="the 28 days after 2026-02-01", baseline_name="seasonal naive", metrics=[Metric("wape", 0.6, 0.8)],
        calibration=[{"nominal": 0.5, "observed": 0.49}], training_rows=1000, features=["a", "b"], seed=1, params_version=knobs,
        params={"horizon_days": 28}, data_versions={"sales_daily": 4}, learner_name="lightgbm", decision=Decision(code, "why"),
    )  # fmt: skip


@pytest.fixture
def lake(home):
    return Lake(home.lake)


def _keep(home, lake, files=FILES, **changes):
    card = _card(files, **changes)
    save(home, card, files)
    return record(lake, CONTRACT, card)


def test_the_champion_is_the_newest_promoted_model(home, lake):
    newer, rejected = ModelFiles("newer", {}), ModelFiles("rejected", {})
    assert champion(home, lake, "demand") is None
    _keep(home, lake)
    _keep(home, lake, newer, day=date(2026, 3, 8))
    _keep(home, lake, rejected, day=date(2026, 3, 15), code=NOT_BETTER)
    standing = champion(home, lake, "demand")
    assert standing.files.trees == "newer"
    assert standing.trained_as_of == date(2026, 3, 8)
    assert standing.skill == pytest.approx(0.25)
    assert champion(home, lake, "returns") is None


def test_a_training_repeated_after_a_crash_is_written_down_once(home, lake):
    assert [_keep(home, lake), _keep(home, lake)] == [True, False]
    assert lake.row_count(CARDS) == 1


def test_a_champion_whose_file_was_changed_or_lost_does_not_serve(home, lake):
    _keep(home, lake)
    model = next(home.models.glob("demand/*/model.txt"))
    model.write_text("tree\nleaf=9.9\n")
    assert champion(home, lake, "demand") is None
    model.unlink()
    assert champion(home, lake, "demand") is None


def test_what_a_broken_off_training_left_is_swept_by_the_next(home, lake):
    broken = home.models / "demand" / ".20260301-abc.77.new"
    broken.mkdir(parents=True)
    _keep(home, lake)
    assert not broken.exists()
    assert sorted(p.name for p in next(home.models.glob("demand/*")).iterdir()) == ["card.md", "model.json", "model.txt"]


def test_a_model_survives_its_file(home, lake):
    _keep(home, lake)
    assert champion(home, lake, "demand").files.texts() == FILES.texts()


def test_the_card_tells_people_what_counts():
    text = _card().text()
    assert "| wape | 0.6000 | 0.8000 |" in text
    assert "sales_daily 4" in text
    assert "**promoted**: why" in text


def test_a_model_is_promoted_only_when_it_is_better_than_baseline_and_champion():
    def code(loss, champion_skill=None, unfit=()):
        return decide(Metric("wape", loss, 0.8), unfit=unfit, champion_skill=champion_skill, tolerated_skill_loss=0.02).code

    assert code(0.6) == "promoted"
    assert code(0.8) == "not_better"
    assert code(0.6, champion_skill=0.26) == "promoted"
    assert code(0.6, champion_skill=0.28) == "not_better"
    assert code(0.6, unfit=["auc is nan"]) == "refused"


def test_training_is_due_when_anything_that_decides_the_model_changed(home, lake):
    params = read_params()
    card = _card(knobs=params.version("demand"))
    save(home, card, FILES)
    record(lake, CONTRACT, card)
    standing = champion(home, lake, "demand")

    def due(day, features=("a", "b"), knobs=params):
        return is_due(standing, day, list(features), knobs, "demand")

    assert due(date(2026, 3, 7)) is None
    assert due(date(2026, 3, 8)) == "the champion is 7 days old"
    assert due(date(2026, 3, 2), features=("a",)) == "the features changed"
    assert due(date(2026, 3, 2), knobs=replace(params, demand=replace(params.demand, horizon_days=14))) == "the knobs changed"
    assert due(date(2026, 3, 2), knobs=replace(params, returns=replace(params.returns, prior_cases=9))) is None
    assert is_due(None, date(2026, 3, 2), [], params, "demand") == "no model is in use yet"


def test_a_params_file_with_a_wrong_name_says_which(tmp_path):
    path = tmp_path / "params.yaml"
    text = (project_root() / "pipelines" / "params.yaml").read_text()
    path.write_text(text.replace("horizon_days:", "horizont_days:"))
    with pytest.raises(ParamsError, match=r"section demand lacks \['horizon_days'\] and has unknown \['horizont_days'\]"):
        read_params(path)
