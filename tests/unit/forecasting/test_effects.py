import polars as pl

from pipelines.forecasting.config import config_of
from pipelines.forecasting.effects import measured_effects
from pipelines.forecasting.panel import panel_of
from tests.unit.forecasting.panels import weekly_panel


def test_the_planted_factor_lies_in_the_interval_of_most_groups():
    panel = panel_of(weekly_panel(series=60, promotions=True), config_of({"known": ["feature"]}))
    effects = measured_effects(panel, "category")
    assert effects["group"].to_list() == ["c0", "c1", "c2"]
    assert effects.select(((pl.col("factor_low") < 2) & (pl.col("factor_high") > 2)).sum()).item() >= 2
    assert effects.select((pl.col("factor_high") / pl.col("factor_low")).max()).item() < 1.3


def test_a_panel_without_marks_has_no_effects():
    assert measured_effects(panel_of(weekly_panel(series=5), config_of({})), None).is_empty()
