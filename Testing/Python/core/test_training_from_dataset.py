"""Labelled scans of patients become training cases on the model's grid."""

import numpy as np
import pytest
from cacnet.files import UnwritableOutputError
from cacnet.prepare import MODEL_SPACING_MM
from cacnet.training.cases import read_case
from cacnet.training.from_dataset import labels_on, write_training_case
from cacnet.volume import Geometry
from dataset_folders import SPOTS, corrected_scan

FINE = Geometry((8, 8, 8), (0.5, 0.5, 0.5))
COARSE = Geometry((4, 4, 4), (1.0, 1.0, 1.0), (0.25, 0.25, 0.25))


def test_labels_on_their_own_grid_are_the_same():
    labels = np.random.default_rng(0).integers(0, 6, FINE.shape_zyx).astype(np.uint8)
    np.testing.assert_array_equal(labels_on(FINE, labels, FINE), labels)


def test_a_coarse_voxel_becomes_its_eight_fine_ones():
    labels = np.zeros(COARSE.shape_zyx, np.uint8)
    labels[1, 2, 1] = 3
    expected = np.zeros(FINE.shape_zyx, np.uint8)
    expected[2:4, 4:6, 2:4] = 3
    np.testing.assert_array_equal(labels_on(FINE, labels, COARSE), expected)


def test_between_two_labels_the_nearer_one_wins_and_no_gap_opens():
    labels = np.full(COARSE.shape_zyx, 1, np.uint8)
    labels[:, :, 2:] = 2
    found = labels_on(FINE, labels, COARSE)
    np.testing.assert_array_equal(found[..., :4], 1)
    np.testing.assert_array_equal(found[..., 4:], 2)


def test_a_grid_that_reaches_beyond_the_scan_has_no_labels_there():
    wider = Geometry((8, 8, 12), (0.5, 0.5, 0.5), (-1.0, 0.0, 0.0))
    found = labels_on(wider, np.ones(FINE.shape_zyx, np.uint8), FINE)
    assert found[..., 2:10].all()
    assert not found[..., :2].any()
    assert not found[..., 10:].any()


def test_a_grid_elsewhere_has_no_labels():
    away = Geometry((2, 2, 2), (0.5, 0.5, 0.5), (900.0, 0.0, 0.0))
    assert not labels_on(away, np.ones(FINE.shape_zyx, np.uint8), FINE).any()


def test_a_scan_becomes_a_case_with_its_labels_where_they_were(tmp_path):
    scan = corrected_scan()
    case = read_case(write_training_case(tmp_path / "case-0a1b", scan, {"source_fingerprint": "x"}))
    origin = case.record["origin_mm_lps"]
    grid = Geometry(case.hu.shape, (MODEL_SPACING_MM,) * 3, tuple(origin))
    for vessel, (z, y, x) in SPOTS.items():
        middle = scan.volume.geometry.index_to_lps(np.array([z, y + 0.5, x + 0.5]))
        index = tuple(np.rint(grid.lps_to_index(middle)).astype(int))
        assert case.calcium[index] == (5 if vessel == 3 else vessel)
        assert case.coronary[index] > 0
        assert case.hu[index] > 300
    assert not (np.asarray(case.calcium).astype(bool) & (np.asarray(case.coronary) == 0)).any()
    assert not (np.asarray(case.calcium).astype(bool) & np.asarray(case.distractor).astype(bool)).any()
    assert case.record["source_fingerprint"] == "x"
    assert case.record["simulated"] is False


def test_the_record_says_how_much_calcium_there_was_and_is(tmp_path):
    scan = corrected_scan()
    record = read_case(write_training_case(tmp_path / "case", scan)).record["calcium_mm3"]
    assert record["labelled"] == pytest.approx(16 * scan.volume.geometry.voxel_volume_mm3)
    assert 0.5 * record["labelled"] < record["on_grid"] < 1.5 * record["labelled"]


def test_unknown_distractors_are_named_and_harmless(tmp_path):
    case = read_case(write_training_case(tmp_path / "case", corrected_scan(distractor=None)))
    assert case.record["unknown"] == ["distractor"]
    assert not np.asarray(case.distractor).any()


@pytest.mark.parametrize("channel", ["calcium", "coronary"])
def test_what_nobody_labelled_is_left_out_and_never_empty_truth(tmp_path, channel):
    case = read_case(write_training_case(tmp_path / "case", corrected_scan(**{channel: None})))
    other = {"calcium": "coronary", "coronary": "calcium"}[channel]
    assert case.unknown_channels == (channel,)
    assert case.record["unknown"] == [channel]
    assert ("calcium_mm3" in case.record) is (channel == "coronary")
    assert np.asarray(getattr(case, other)).any()


def test_an_output_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(UnwritableOutputError):
        write_training_case(tmp_path / "file" / "case", corrected_scan())
