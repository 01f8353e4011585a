import numpy as np
import polars as pl
import pytest

from pipelines.forecasting.judging import metrics_of, scales_of
from pipelines.forecasting.quantiles import measure_spread


def test_figures_agree_with_utilsforecast():
    from utilsforecast.losses import mase, nd, rmsse

    generator = np.random.default_rng(1)
    history = generator.poisson(5, (6, 30)).astype(np.float32)
    y, forecast = generator.poisson(5, (6, 4)).astype(float), generator.uniform(3, 7, (6, 4))
    scales = scales_of(history, 29, None)
    found = metrics_of(y, forecast, scales, None, [])
    ids = np.repeat(np.arange(6), 4)
    frame = pl.DataFrame({"unique_id": ids, "ds": np.tile(np.arange(30, 34), 6), "y": y.ravel(), "model": forecast.ravel()})
    train = pl.DataFrame({"unique_id": np.repeat(np.arange(6), 30), "ds": np.tile(np.arange(30), 6), "y": history.ravel().astype(float)})
    assert found["mase"] == pytest.approx(mase(frame, ["model"], seasonality=1, train_df=train)["model"].mean())
    assert found["rmsse"] == pytest.approx(rmsse(frame, ["model"], seasonality=1, train_df=train)["model"].mean())
    assert found["wape"] == pytest.approx(nd(frame.with_columns(unique_id=pl.lit("all")), ["model"])["model"][0])
    assert found["bias"] == pytest.approx((forecast.sum() - y.sum()) / y.sum())


def test_periods_that_are_not_known_are_not_judged():
    history = np.array([[1, 3, 1, 3]], dtype=np.float32)
    found = metrics_of(np.array([[2.0, np.nan]]), np.array([[3.0, 99.0]]), scales_of(history, 3, None), None, [])
    assert (found["rows"], found["mase"], found["wape"]) == (1, 0.5, 0.5)


def test_quantiles_hold_the_share_that_is_asked_for():
    generator = np.random.default_rng(4)
    levels = [0.5, 0.75, 0.9, 0.95]
    mean = np.exp(generator.uniform(-1, 4, (4000, 4)))
    y = generator.poisson(mean * generator.gamma(4, 0.25, mean.shape)).astype(float)
    zeros = (np.exp(-mean)).mean(axis=1)
    own = np.quantile(generator.poisson(mean.mean(axis=1)[:, None], (4000, 13)), levels, axis=1).T
    table = measure_spread(mean[:2000], y[:2000], zeros[:2000], own[:2000], np.ones(2000), levels, is_whole_units=True)
    values = table.quantiles_of(mean[2000:], zeros[2000:], own[2000:])
    for position, level in enumerate(levels[1:], 1):
        assert (y[2000:] <= values[..., position]).mean() == pytest.approx(level, abs=0.02)
    assert (values % 1 == 0).all()
