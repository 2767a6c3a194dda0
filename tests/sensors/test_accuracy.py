"""Which standard deviation a plot gets."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from skypact import tables
from skypact.sensors import ASSUMED, Catalogue, Sensor, sigmas


def test_the_message_goes_before_the_catalogue_and_that_before_the_assumption() -> None:
    catalogue = Catalogue([Sensor(id="a", kind="psr_mode_s", sac=1, sic=1, sigma_range_m=44)])
    kinds = ["mode_s", "mode_s", "psr", None, None, None, "adsb"]
    plots = tables.build(
        tables.PLOTS,
        7,
        {
            "sensor": pa.array(["1/1", "1/1", "1/1", "1/1", "1/2", None, "1/2"]).dictionary_encode(),
            "kind": tables.words(
                "kind", np.array([-1 if k is None else tables.KINDS.index(k) for k in kinds], np.int8)
            ),
            "sigma_range_m": np.array([12, *[np.nan] * 6], np.float32),
        },
    )
    found = sigmas(plots, catalogue)
    psr, mode_s = ASSUMED["psr"], ASSUMED["mode_s"]
    np.testing.assert_array_equal(found.range_m, [12, 44, 44, 44, psr.range_m, psr.range_m, np.nan])
    expected = [mode_s.azimuth_deg] * 2 + [psr.azimuth_deg, mode_s.azimuth_deg] + [psr.azimuth_deg] * 2 + [np.nan]
    np.testing.assert_array_equal(found.azimuth_deg, expected)
    assert found.position_m[-1] == ASSUMED["adsb"].position_m
    assert np.isnan(found.position_m[:-1]).all()


def test_no_plots_no_sigmas() -> None:
    assert sigmas(tables.empty(tables.PLOTS), Catalogue()).range_m.shape == (0,)


def test_every_kind_has_assumed_figures_and_nothing_is_certain() -> None:
    assert tuple(ASSUMED) == tables.KINDS
    for figures in ASSUMED.values():
        assert 0 < figures.pd < 1
        assert min(np.nan_to_num([figures.range_m, figures.azimuth_deg, figures.position_m], nan=1)) > 0
