"""The estimate of the score without contrast that stands beside the raw one, calibrated on simulation."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.edits import operations
from cacnet.edits.live_scores import LiveScores
from cacnet.edits.review import RejectReason, review_of
from cacnet.lesions import find_lesions
from cacnet.scoring import (
    PROTOCOLS,
    RiskCategory,
    SimulatedPairs,
    VolumeCalibration,
    equivalent_of,
    resolve,
    total,
)
from cacnet.scoring.equivalent import prediction_interval
from cacnet.volume import Geometry

CALIBRATED = PROTOCOLS["ccta-calibrated"]
CALIBRATION = VolumeCalibration(
    factor=2.0,
    power=2.0,
    right_masks=SimulatedPairs(50, "1 to 50", "true masks", 4.0),
    network_masks=SimulatedPairs(10, "91 to 100", "masks of some-network", 14.0),
)
GRID = Geometry((1, 8, 16), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def two_lesions() -> tuple[np.ndarray, np.ndarray]:
    """Two spots of four voxels of 3 mm³ each, in the LAD and the RCA."""
    labels = np.zeros(GRID.shape_zyx, np.uint8)
    labels[0, 2:4, 2:4], labels[0, 2:4, 10:12] = Vessel.LAD, Vessel.RCA
    return labels, np.where(labels > 0, 900, 400).astype(np.int16)


def test_the_estimate_is_a_power_of_the_volume() -> None:
    of_ten = equivalent_of(10.0, 3, CALIBRATION)
    assert of_ten.estimate == pytest.approx(200.0)  # 2 × 10²
    assert (of_ten.category, of_ten.cac_drs) == (RiskCategory.MODERATE, "A2/N3")


def test_no_calcium_stays_a_score_of_zero_that_is_not_certain() -> None:
    nothing = equivalent_of(0.0, 0, CALIBRATION, reviewed=True)
    assert (nothing.estimate, nothing.low, nothing.high) == (0.0, 0.0, 16.0)  # (√0 + 4)²
    assert (nothing.category, nothing.cac_drs) == (RiskCategory.ZERO, "A0/N0")


def test_the_interval_is_even_around_the_square_root_and_never_below_zero() -> None:
    assert prediction_interval(100.0, 4.0) == (36.0, 196.0)
    assert prediction_interval(9.0, 4.0) == (0.0, 49.0)


def test_masks_of_a_network_have_a_wider_interval_than_reviewed_ones() -> None:
    unreviewed, reviewed = (equivalent_of(10.0, 1, CALIBRATION, reviewed=judged) for judged in (False, True))
    assert unreviewed.estimate == reviewed.estimate
    assert unreviewed.low < reviewed.low < reviewed.high < unreviewed.high
    assert "some-network" in unreviewed.sentence
    assert "some-network" not in reviewed.sentence


def test_the_sentence_says_what_the_number_is_worth() -> None:
    said = equivalent_of(10.0, 1, CALIBRATION).sentence
    for words in (
        "200",
        "calibrated on simulation",
        "95 % prediction interval",
        "50 simulated patients (seeds 1 to 50",
    ):
        assert words in said
    assert "Not validated on patients" in said
    assert "raw score" in said


def test_the_calibrated_protocol_scores_as_the_adaptive_one_and_adds_the_estimate() -> None:
    labels, hu = two_lesions()
    raw, beside = (
        total(find_lesions(labels, hu, GRID, resolve(protocol, 400.0, 25.0)).lesions, protocol.equivalent)
        for protocol in (PROTOCOLS["ccta-adaptive"], CALIBRATED)
    )
    assert raw.equivalent is None
    assert replace(beside, equivalent=None) == raw
    assert raw.agatston == pytest.approx(32.0)  # 2 spots × 4 mm² × factor 4
    assert CALIBRATED.equivalent is not None
    assert beside.equivalent is not None
    assert beside.equivalent.estimate == pytest.approx(CALIBRATED.equivalent.estimate(24.0))
    assert beside.equivalent.cac_drs.endswith("N2")


def test_the_shipped_calibration_raises_the_score_as_blooming_does() -> None:
    calibration = CALIBRATED.equivalent
    assert calibration is not None
    for volume_mm3 in (5.0, 50.0, 300.0):
        raw = 4 * volume_mm3 / 3  # every density factor is 4
        assert raw < calibration.estimate(volume_mm3) < 12 * raw
    assert calibration.right_masks.patients >= 50
    assert calibration.network_masks.root_half_width > calibration.right_masks.root_half_width


def test_every_output_of_the_calibrated_protocol_says_simulation() -> None:
    assert "calibrated on simulation" in resolve(CALIBRATED, 400.0, 25.0).sentence
    assert "calibrated on simulation" in CALIBRATED.description


def test_a_raw_score_of_contrast_ct_says_that_it_is_lower() -> None:
    assert "lower than a calcium scan's" in resolve(PROTOCOLS["ccta-adaptive"], 400.0, 25.0).sentence
    assert "lower than a calcium scan's" not in resolve(PROTOCOLS["literature"], 45.0, 20.0).sentence
    assert "lower than a calcium scan's" not in resolve(PROTOCOLS["pavitt-2014"], 400.0, 25.0).sentence


def test_the_estimate_is_plain_json() -> None:
    plain = json.loads(json.dumps(asdict(equivalent_of(10.0, 1, CALIBRATION))))
    assert (plain["estimate"], plain["category"], plain["calibrated_on"]) == (200.0, "101–400", "simulation")


def test_the_estimate_follows_a_rejected_lesion_and_narrows_once_all_are_judged() -> None:
    labels, hu = two_lesions()
    rules = resolve(CALIBRATED, 400.0, 25.0)
    live = LiveScores(hu, GRID, rules)
    review = review_of(find_lesions(labels, hu, GRID, rules))
    first = live.of(review).totals.equivalent
    review = review.changed(operations.reject(review, [1], RejectReason.NOISE))
    second = live.of(review).totals.equivalent
    review = review.changed(operations.accept(review, [2]))
    third = live.of(review).totals.equivalent
    assert CALIBRATED.equivalent is not None
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.estimate == pytest.approx(CALIBRATED.equivalent.estimate(24.0))
    assert second.estimate == third.estimate == pytest.approx(CALIBRATED.equivalent.estimate(12.0))
    assert third.high < second.high
