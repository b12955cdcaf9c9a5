"""A seed gives one scan with its truth: labels by the half rule, the same patient with and without contrast."""

import json

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.coronary_labels import drop_loose_specks
from cacnet.phantom.patient import draw_patient
from cacnet.phantom.scanner import draw_scan
from cacnet.phantom.simulate import (
    SimulationError,
    label_by_coverage,
    simulate,
    write_scan,
)
from cacnet.volume import Geometry
from scipy import ndimage

SEED = 3


@pytest.fixture(scope="module")
def scanned():
    return simulate(SEED, size="fast", canvas_spacing_mm=1.0)


@pytest.fixture(scope="module")
def plain():
    return simulate(SEED, contrast=False, size="fast", canvas_spacing_mm=1.0)


def canvas_with(fraction: np.ndarray) -> tuple[Canvas, np.ndarray]:
    canvas = Canvas(Geometry(fraction.shape, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)), np.zeros(fraction.shape, np.float32))
    return canvas, np.where(fraction > 0, 2, 0).astype(np.uint8)


@pytest.mark.parametrize(("per_voxel", "expected"), [(0.45, 0), (0.5, 2), (1.0, 2)])
def test_a_voxel_is_calcium_where_at_least_half_of_it_is(per_voxel, expected):
    fraction = np.zeros((4, 4, 4), np.float32)
    fraction[:2, :2, :2] = per_voxel
    canvas, numbers = canvas_with(fraction)
    target = Geometry((2, 2, 2), (1.0, 1.0, 1.0), (0.5, 0.5, 0.5))
    labels = label_by_coverage(canvas, numbers, fraction, target)
    assert labels[0, 0, 0] == expected
    assert labels.sum() == expected


def test_two_vessels_together_fill_a_voxel_and_the_larger_names_it():
    canvas, _ = canvas_with(np.ones((2, 2, 2), np.float32))
    numbers = np.zeros((2, 2, 2), np.uint8)
    numbers[0], numbers[1, 0] = 3, 4
    labels = label_by_coverage(canvas, numbers, None, Geometry((1, 1, 1), (1.0, 1.0, 1.0), (0.5, 0.5, 0.5)))
    assert labels.tolist() == [[[3]]]


def test_labels_that_do_not_meet_the_grid_leave_it_empty():
    canvas, numbers = canvas_with(np.ones((2, 2, 2), np.float32))
    far = Geometry((1, 1, 1), (1.0, 1.0, 1.0), (50.0, 50.0, 50.0))
    assert not label_by_coverage(canvas, numbers, None, far).any()


def test_labels_lie_on_the_scan_and_calcium_inside_the_arteries(scanned):
    shape = scanned.volume.hu.shape
    assert scanned.calcium.shape == scanned.coronary.shape == scanned.distractor.shape == shape
    assert scanned.volume.hu.dtype == np.int16
    assert set(np.unique(scanned.coronary)) >= {1, 2, 3, 4}
    assert (scanned.coronary[scanned.calcium > 0] > 0).all()


def test_on_the_scan_every_vessel_is_one_tree(scanned):
    _, pieces = ndimage.label(scanned.coronary > 0, np.ones((3, 3, 3)))
    assert pieces == 2  # the left and the right tree
    for vessel in np.unique(scanned.coronary[scanned.coronary > 0]):
        assert ndimage.label(scanned.coronary == vessel, np.ones((3, 3, 3)))[1] == 1
    assert np.array_equal(scanned.coronary[scanned.calcium > 0], scanned.calcium[scanned.calcium > 0])


def test_loose_specks_go_but_calcium_and_what_the_field_cuts_off_stay():
    coronary, calcium = np.zeros((2, 30, 30, 30), np.uint8)
    coronary[5:25, 10:14, 10:14] = 2  # the tree: 320 voxels
    coronary[5:7, 20, 20] = 3  # a speck
    coronary[5:7, 24, 24] = 3  # a speck with calcium
    calcium[5, 24, 24] = 3
    coronary[0, 2, 2] = 4  # at the edge of the field
    drop_loose_specks(coronary, calcium)
    assert [int((coronary == vessel).sum()) for vessel in (2, 3, 4)] == [320, 2, 1]
    assert coronary[5, 20, 20] == 0
    empty = np.zeros((3, 3, 3), np.uint8)
    drop_loose_specks(empty, empty)
    assert not empty.any()


def test_distractors_never_overlap_calcium(scanned):
    assert (scanned.distractor > 0).any()
    assert not ((scanned.distractor > 0) & (scanned.calcium > 0)).any()


def test_the_arteries_hold_contrast_and_the_scan_says_so(scanned):
    # The brightest tenth: motion and large voxels mix the rest with fat.
    lumen = np.percentile(scanned.volume.hu[scanned.coronary == 4], 90)
    assert lumen > 150
    assert scanned.volume.acquisition.modality == "CT"
    assert scanned.volume.acquisition.kvp == scanned.truth.patient.kvp
    assert scanned.volume.acquisition.contrast_agent is not None
    assert scanned.volume.source == f"simulated-{SEED}"


def test_the_same_seed_gives_the_same_voxels(scanned):
    again = simulate(SEED, size="fast", canvas_spacing_mm=1.0)
    np.testing.assert_array_equal(again.volume.hu, scanned.volume.hu)
    np.testing.assert_array_equal(again.calcium, scanned.calcium)


def test_without_contrast_it_is_the_same_patient_in_slices_of_three_mm(scanned, plain):
    assert plain.volume.geometry.spacing_mm_zyx[0] == 3.0
    assert plain.truth.landmarks_mm_lps == scanned.truth.landmarks_mm_lps
    assert plain.truth.calcium_volume_mm3 == pytest.approx(scanned.truth.calcium_volume_mm3)
    assert plain.truth.agatston_without_contrast == scanned.truth.agatston_without_contrast
    assert plain.truth.agatston_without_contrast["total"] > 0
    assert plain.volume.acquisition.contrast_agent is None
    assert plain.volume.acquisition.kvp == 120


def test_without_contrast_no_blood_is_bright(scanned, plain):
    # Large voxels mix a thin artery with the fat around it, so its brighter part is compared.
    without, with_contrast = (np.percentile(s.volume.hu[s.coronary == 4], 70) for s in (plain, scanned))
    assert without < 100
    assert with_contrast > without + 60


def test_an_unknown_field_is_refused():
    with pytest.raises(SimulationError, match="'abdomen'"):
        simulate(0, field="abdomen")


def test_a_written_scan_can_be_read_back(scanned, tmp_path):
    folder = write_scan(scanned, tmp_path / "scan")
    assert sorted(p.name for p in folder.iterdir()) == [
        "calcium.nii.gz",
        "coronary.nii.gz",
        "ct.nii.gz",
        "distractors.nii.gz",
        "truth.json",
    ]
    image = sitk.ReadImage(str(folder / "ct.nii.gz"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), scanned.volume.hu)
    np.testing.assert_allclose(image.GetOrigin(), scanned.volume.geometry.origin_mm_lps, atol=1e-4)
    truth = json.loads((folder / "truth.json").read_text())
    assert truth["schema_version"] == 1
    assert truth["patient"]["seed"] == SEED
    assert [p.name for p in tmp_path.iterdir()] == ["scan"]


def test_writing_again_replaces_the_files(scanned, tmp_path):
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "truth.json").write_text("old")
    folder = write_scan(scanned, tmp_path / "scan")
    assert (folder / "truth.json").read_text() != "old"


def test_the_settings_in_the_truth_are_those_of_the_patient(scanned):
    assert scanned.truth.scan.psf_fwhm_mm == draw_scan(draw_patient(SEED)).psf_fwhm_mm
