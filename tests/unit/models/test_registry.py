"""Registry: a model is kept whole or not at all, once, and the newest promoted one is the champion."""

from dataclasses import replace
from datetime import date, datetime

import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.contracts import published_contracts
from pipelines.home import project_root
from pipelines.lake import Lake
from pipelines.models.aliases import CHALLENGER, CHAMPION, AliasError, alias_log, move_alias
from pipelines.models.artefacts import ARTEFACTS, keep_input, read_input
from pipelines.models.cards import NOT_BETTER, ON_TRIAL, PROMOTED, REFUSED, Decision, ModelCard, decide
from pipelines.models.command import model_app
from pipelines.models.learning import is_due
from pipelines.models.metrics import Metric
from pipelines.models.registry import CARDS, ModelFiles, challenger, champion, model_version, record, save, set_decision
from pipelines.models.trials import roll_back
from pipelines.params import ParamsError, read_params

CONTRACT = published_contracts()["model_cards"]
DAYS = [date(2026, 3, 1), date(2026, 3, 8)]
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
    save(home, lake, card, files)
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


def test_a_champion_whose_file_was_changed_or_lost_serves_from_the_lake(home, lake):
    _keep(home, lake)
    model = next(home.models.glob("demand/*/model.txt"))
    model.write_text("tree\nleaf=9.9\n")
    assert champion(home, lake, "demand").files.texts() == FILES.texts()
    model.unlink()
    assert champion(home, lake, "demand").files.texts() == FILES.texts()
    lake.delete(ARTEFACTS, "file_name = 'model.txt'")
    assert champion(home, lake, "demand") is None


def test_what_a_broken_off_training_left_is_swept_by_the_next(home, lake):
    broken = home.models / "demand" / ".20260301-abc.77.new"
    broken.mkdir(parents=True)
    _keep(home, lake)
    assert not broken.exists()
    assert sorted(p.name for p in next(home.models.glob("demand/*")).iterdir()) == ["card.md", "model.json", "model.txt"]


def test_a_challenger_scores_beside_the_champion_until_it_takes_its_place(home, lake):
    newer = ModelFiles("newer", {})
    _keep(home, lake)
    _keep(home, lake, newer, day=date(2026, 3, 8), code=ON_TRIAL)
    assert (champion(home, lake, "demand").files.trees, challenger(home, lake, "demand").files.trees) == (FILES.trees, "newer")
    assert _shown(lake) == {FILES.trees: "champion", "newer": "challenger"}
    won = challenger(home, lake, "demand").model_version
    set_decision(lake, "demand", won, PROMOTED, "it's better")
    move_alias(lake, "demand", CHAMPION, won, reason="it's better", now=datetime(2026, 3, 20))
    assert champion(home, lake, "demand").files.trees == "newer"
    assert challenger(home, lake, "demand") is None
    assert _shown(lake) == {FILES.trees: None, "newer": "champion"}
    assert alias_log(lake, "demand")["alias_name"].to_list() == [CHAMPION, CHALLENGER, CHAMPION, CHALLENGER]


def test_rolling_back_moves_the_alias_and_nothing_else(home, lake):
    newer = ModelFiles("newer", {})
    _keep(home, lake)
    with pytest.raises(AliasError, match="no champion before"):
        roll_back(lake, "demand", to=None, now=datetime(2026, 3, 9))
    _keep(home, lake, newer, day=date(2026, 3, 8))
    _keep(home, lake, ModelFiles("bad", {}), day=date(2026, 3, 9), code=REFUSED)
    assert roll_back(lake, "demand", to=None, now=datetime(2026, 3, 10)) == champion(home, lake, "demand").model_version
    assert champion(home, lake, "demand").files.texts() == FILES.texts()
    assert lake.row_count(CARDS) == 3
    with pytest.raises(AliasError, match="was refused"):
        roll_back(lake, "demand", to=model_version(ModelFiles("bad", {}), date(2026, 3, 9), "p"), now=datetime(2026, 3, 11))
    with pytest.raises(AliasError, match="no version x"):
        roll_back(lake, "demand", to="x", now=datetime(2026, 3, 11))
    # The newest that was promoted can come back.
    roll_back(lake, "demand", to=model_version(newer, date(2026, 3, 8), "p"), now=datetime(2026, 3, 12))
    assert champion(home, lake, "demand").files.trees == "newer"


def _shown(lake):
    cards = lake.read(CARDS)
    names = {model_version(files, day, "p"): files.trees for files in (FILES, ModelFiles("newer", {})) for day in DAYS}
    return {names[version]: alias for version, alias in cards.select("model_version", "alias_name").iter_rows()}


def test_the_data_of_a_training_can_be_read_again_after_the_next(lake):
    first, second = (pl.DataFrame({"unique_id": ["b", "a"], "ds": [date(2026, 3, 2)] * 2, "y": [y, 1.0]}) for y in (1.0, 2.0))
    kept, version = keep_input(lake, "learning.demand_panel", first)
    assert keep_input(lake, "learning.demand_panel", first.reverse()) == (kept, version)
    assert keep_input(lake, "learning.demand_panel", second) == (kept, version + 1)
    assert read_input(lake, "learning.demand_panel", {kept: version}).sort("unique_id").equals(first.sort("unique_id"))


def test_a_person_lists_models_and_rolls_one_back(home, lake):
    ask = CliRunner()
    assert ask.invoke(model_app, ["list"]).exit_code == 1
    _keep(home, lake)
    newer = ModelFiles("newer", {})
    _keep(home, lake, newer, day=date(2026, 3, 8))
    assert model_version(newer, date(2026, 3, 8), "p") in ask.invoke(model_app, ["list", "demand"]).output
    assert ask.invoke(model_app, ["rollback", "returns"]).exit_code == 1
    assert ask.invoke(model_app, ["rollback", "demand"]).exit_code == 0
    assert champion(home, lake, "demand").files.texts() == FILES.texts()
    assert ask.invoke(model_app, ["rollback", "demand", "--to", "x"]).exit_code == 1
    assert ask.invoke(model_app, ["verify", "demand", "--version", "x"]).exit_code == 1


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
    save(home, lake, card, FILES)
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
