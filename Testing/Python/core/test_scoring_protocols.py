"""Protocols by name, and what each makes of one scan's blood pool and tube voltage."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from cacnet.scoring import (
    DEFAULT_PROTOCOL,
    PROTOCOLS,
    BloodPoolNotMeasurableError,
    InvalidProtocolError,
    KvpOutOfRangeError,
    MissingBloodPoolError,
    MissingKvpError,
    PlainThresholdOnContrastError,
    UnknownProtocolError,
    measure_blood_pool,
    protocol_named,
    resolve,
)


def test_protocols_are_found_by_name_whatever_the_case() -> None:
    assert protocol_named(" CCTA-Adaptive ") is PROTOCOLS["ccta-adaptive"] is DEFAULT_PROTOCOL
    assert protocol_named("LIKE-philips") is PROTOCOLS["like-philips"]


def test_unknown_protocol_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(UnknownProtocolError, match=r"'agatson'.*literature.*orcascore"):
        protocol_named("agatson")


def test_protocols_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        PROTOCOLS["mine"] = DEFAULT_PROTOCOL  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        DEFAULT_PROTOCOL.name = "mine"  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [
        {"island_connectivity": 6},
        {"lesion_connectivity": 18},
        {"island_connectivity": 8, "lesion_connectivity": 6},
        {"bands_hu": (130.0, 300.0, 200.0, 400.0)},
    ],
)
def test_protocol_that_contradicts_itself_is_refused(change: dict) -> None:
    with pytest.raises(InvalidProtocolError):
        replace(DEFAULT_PROTOCOL, **change)


def test_adaptive_threshold_is_two_sd_above_the_blood_pool() -> None:
    resolved = resolve(DEFAULT_PROTOCOL, 400.0, 25.0)
    assert resolved.threshold_hu == pytest.approx(450.0)
    for said in ("CCTA-derived", "ccta-adaptive", "450 HU", "400 HU + 2 × SD 25 HU", "4-connected", "1 mm²"):
        assert said in resolved.sentence
    assert "every density factor is 4" in resolved.sentence
    assert "uncalibrated: nominal factor 0.00075 mg/mm³/HU" in resolved.sentence


def test_adaptive_threshold_never_falls_below_130_hu() -> None:
    resolved = resolve(DEFAULT_PROTOCOL, 45.0, 20.0)
    assert resolved.threshold_hu == 130.0
    assert "floor" in resolved.sentence
    assert "every density factor" not in resolved.sentence


@pytest.mark.parametrize(("median_hu", "sd_hu"), [(None, None), (400.0, None), (None, 20.0)])
def test_adaptive_threshold_without_a_blood_pool_is_refused(median_hu: float | None, sd_hu: float | None) -> None:
    with pytest.raises(MissingBloodPoolError, match="aortic root"):
        resolve(DEFAULT_PROTOCOL, median_hu, sd_hu)


def test_pavitt_converts_by_its_published_formula() -> None:
    resolved = resolve(PROTOCOLS["pavitt-2014"], 350.0, 30.0)
    assert resolved.threshold_hu == pytest.approx(410.0)
    assert resolved.agatston_factor == pytest.approx(1.183 + 0.002 * 410.0)
    assert "3 mm slices" in resolved.sentence


@pytest.mark.parametrize(
    ("kvp", "bands_hu"),
    [
        (120.0, (130.0, 200.0, 300.0, 400.0)),
        (80.0, (177.0, 271.0, 408.0, 544.0)),
        (110.0, (137.5, 211.0, 317.0, 423.0)),  # half-way between 100 and 120 kVp
    ],
)
def test_kvp_table_is_linear_between_its_rows(kvp: float, bands_hu: tuple[float, ...]) -> None:
    resolved = resolve(PROTOCOLS["kvp-adjusted"], kvp=kvp)
    assert resolved.bands_hu == pytest.approx(bands_hu)
    assert resolved.threshold_hu == pytest.approx(bands_hu[0])


@pytest.mark.parametrize("kvp", [60.0, 140.0])
def test_kvp_outside_the_table_is_refused(kvp: float) -> None:
    with pytest.raises(KvpOutOfRangeError, match="70 to 135"):
        resolve(PROTOCOLS["kvp-adjusted"], kvp=kvp)


def test_unknown_kvp_is_refused() -> None:
    with pytest.raises(MissingKvpError):
        resolve(PROTOCOLS["kvp-adjusted"])


@pytest.mark.parametrize("name", ["literature", "orcascore", "kvp-adjusted"])
def test_plain_threshold_on_contrast_without_a_mask_is_refused_with_a_way_out(name: str) -> None:
    with pytest.raises(PlainThresholdOnContrastError, match=r"350 HU.*ccta-adaptive"):
        resolve(PROTOCOLS[name], 350.0, 20.0, kvp=120.0, has_calcium_mask=False)


def test_plain_threshold_on_contrast_is_allowed_inside_a_calcium_mask() -> None:
    resolved = resolve(PROTOCOLS["literature"], 350.0, 20.0)
    assert resolved.threshold_hu == 130.0
    assert "CCTA-derived" in resolved.sentence


def test_plain_threshold_without_a_mask_is_allowed_up_to_100_hu_of_blood() -> None:
    resolved = resolve(PROTOCOLS["literature"], 100.0, 20.0, has_calcium_mask=False)
    assert resolved.threshold_hu == 130.0
    assert "CCTA-derived" not in resolved.sentence


def test_strict_threshold_leaves_out_its_own_value() -> None:
    hu = np.array([129.0, 130.0, 131.0])
    assert resolve(PROTOCOLS["literature"]).counts(hu).tolist() == [False, True, True]
    assert resolve(PROTOCOLS["orcascore"]).counts(hu).tolist() == [False, False, True]


def test_blood_pool_sd_ignores_calcium_on_the_bright_side() -> None:
    """101 values 300…400: median 350, 15.8th percentile 315.8; the ten brightest turned into calcium change nothing."""
    hu = np.arange(300.0, 401.0).reshape(1, 1, -1)
    hu[..., -10:] = 1200.0
    pool = measure_blood_pool(hu, np.ones(hu.shape, dtype=bool))
    assert pool.median_hu == pytest.approx(350.0)
    assert pool.sd_hu == pytest.approx(34.2)
    assert pool.voxels == 101


def test_blood_pool_of_too_few_voxels_is_refused() -> None:
    with pytest.raises(BloodPoolNotMeasurableError, match="49 voxels"):
        measure_blood_pool(np.zeros((1, 7, 7)), np.ones((1, 7, 7), dtype=bool))


@pytest.mark.parametrize(
    ("name", "pixels"), [("ge", 4), ("terarecon", 4), ("siemens", 1), ("philips", 2), ("canon", 3)]
)
def test_vendor_like_protocols_differ_in_the_smallest_island(name: str, pixels: int) -> None:
    """On pixels of 0.25 mm²: 1 mm² are 4 pixels, 0.5 mm² are 2."""
    assert PROTOCOLS[f"like-{name}"].minimum.pixels(0.25) == pixels
