"""Where arrays end and numbers stop: borders, single voxels, hundreds of lesions, full scales, types and far places.

Documentation/requirements.md says for each edge which tests hold it; many stand beside the code that they test.
"""

from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.anatomy import Vessel
from cacnet.edits import operations
from cacnet.edits.journal import labels_sha256
from cacnet.edits.review import EditError, RejectReason, flat_index
from cacnet.edits.session import Action, Session
from cacnet.inference import Probabilities, choose_device
from cacnet.labelling import Labels, label
from cacnet.lesions import Lesion, LesionSet, find_lesions
from cacnet.reading import read_ct
from cacnet.report import write_lesions_csv
from cacnet.scoring import PROTOCOLS, protocol_named, resolve, total
from cacnet.volume import Geometry
from review_case import GRID, stored_review
from schematic import Schematic, prepared, schematic_ccta, true_probabilities

LITERATURE = resolve(PROTOCOLS["literature"])
ADAPTIVE = resolve(protocol_named("ccta-adaptive"), 380.0, 25.0, 120.0)
SHAPE = (9, 16, 18)
THIN = Geometry(SHAPE, (0.75, 0.5, 0.5))
CORNERS = [
    tuple(slice(0, 3) if low else slice(n - 3, n) for low, n in zip(lows, SHAPE, strict=True))
    for lows in itertools.product((True, False), repeat=3)
]


def lesions_of(calcium: np.ndarray, hu: np.ndarray, geometry: Geometry = THIN) -> LesionSet:
    return find_lesions(calcium, hu, geometry, LITERATURE)


def cube_at(box: tuple[slice, ...], value: float = 500, dtype: type = np.int16) -> Lesion:
    calcium, hu = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, dtype)
    calcium[box], hu[box] = Vessel.LAD, value
    (lesion,) = lesions_of(calcium, hu).lesions
    return lesion


def scores(lesion: Lesion) -> tuple[float, ...]:
    return lesion.agatston, lesion.volume_mm3, lesion.mass_mg, lesion.mean_hu, lesion.density


@pytest.mark.parametrize("box", CORNERS)
def test_a_lesion_in_a_corner_of_the_scan_scores_as_one_in_its_middle(box: tuple[slice, ...]) -> None:
    corner, middle = cube_at(box), cube_at(np.s_[3:6, 6:9, 7:10])
    assert scores(corner) == pytest.approx(scores(middle))
    assert corner.agatston > 0
    assert corner.box == box


def cut_off(side: slice) -> tuple[Schematic, Labels]:
    """The schematic scan of which only some columns were scanned, and its labels."""
    whole = schematic_ccta(spacing_mm_zyx=(1.2, 1.1, 1.0), shape_zyx=(60, 62, 90))
    box = (slice(0, 60), slice(0, 62), side)
    geometry = whole.volume.geometry.crop(box)
    volume = replace(whole.volume, hu=np.ascontiguousarray(whole.volume.hu[box]), geometry=geometry)
    scan = Schematic(volume, whole.calcium[box], whole.coronary[box])
    on_grid = prepared(scan)
    return scan, label(volume, on_grid, Probabilities(*true_probabilities(on_grid), choose_device("cpu"), 96))


def test_calcium_at_the_border_of_the_scan_is_labelled_up_to_the_border() -> None:
    scan, labels = cut_off(slice(0, 73))  # through the calcification on the left, about column 73
    assert scan.calcium[:, :, -1].any()
    assert ((labels.calcium[:, :, -1] > 0) & scan.calcium[:, :, -1]).sum() > scan.calcium[:, :, -1].sum() / 2
    assert labels.calcium.shape == scan.volume.geometry.shape_zyx
    found = find_lesions(labels.calcium, scan.volume.hu, scan.volume.geometry, ADAPTIVE).lesions
    assert max(lesion.stop_zyx[2] for lesion in found) == 73
    assert all(lesion.agatston > 0 for lesion in found)


def test_one_voxel_is_a_lesion_that_is_listed_and_scores_nothing_below_the_least_area() -> None:
    lesion = cube_at(np.s_[4:5, 8:9, 9:10])
    assert (lesion.voxels, lesion.slices, lesion.max_hu, lesion.mean_hu) == (1, 1, 500.0, 500.0)
    assert lesion.mask_volume_mm3 == pytest.approx(0.75 * 0.25)
    assert (lesion.agatston, lesion.counts) == (0.0, False)
    assert lesion.centroid_mm_lps == pytest.approx((4.5, 4.0, 3.0))


def test_a_lesion_of_one_voxel_can_be_judged_and_erased_but_not_split() -> None:
    found = np.zeros(GRID.shape_zyx, np.uint8)
    found[7, 23, 23] = Vessel.RCA
    hu = np.where(found > 0, 900, 200).astype(np.int16)
    session = stored_review(hu, found).open(hu)
    (number,) = session.review.lesions
    lesion = session.review.lesion(number)
    with pytest.raises(EditError):
        session.apply(Action.SPLIT, operations.split(session.review, number, (lesion.index, lesion.index[:0])))
    session.apply(Action.ACCEPT, operations.accept(session.review, [number]))
    session.apply(Action.ERASE, operations.erase(session.review, flat_index(np.array([[7, 23, 23]]), GRID.shape_zyx)))
    assert not session.review.lesions
    session.undo()
    session.undo()
    assert labels_sha256(session.review) == labels_sha256(session.original)


def five_hundred() -> tuple[np.ndarray, np.ndarray, Geometry]:
    """Cubes of 2 × 2 × 2 voxels on a lattice, 10 × 10 × 5, of the four arteries in turn."""
    shape = (15, 30, 30)
    calcium, hu = np.zeros(shape, np.uint8), np.zeros(shape, np.int16)
    for number, (z, y, x) in enumerate(itertools.product(range(5), range(10), range(10))):
        box = tuple(slice(3 * at, 3 * at + 2) for at in (z, y, x))
        calcium[box], hu[box] = 1 + number % 4, 200 + number
    return calcium, hu, Geometry(shape, (3.0, 0.5, 0.5))


def test_five_hundred_lesions_are_numbered_in_order_and_add_up() -> None:
    calcium, hu, geometry = five_hundred()
    found = lesions_of(calcium, hu, geometry)
    assert [lesion.id for lesion in found.lesions] == list(range(1, 501))
    assert [lesion.mean_hu for lesion in found.lesions] == [200.0 + number for number in range(500)]
    # 1 mm² a slice, two slices, 2 below 300 HU, 3 below 400, 4 from there on.
    assert total(found.lesions).agatston == pytest.approx(2 * (100 * 2 + 100 * 3 + 300 * 4))
    assert int((found.labels > 0).sum()) == 500 * 8


def test_a_review_of_five_hundred_lesions_scores_each_step_as_if_anew_and_goes_back() -> None:
    calcium, hu, geometry = five_hundred()
    session: Session = stored_review(hu, calcium, geometry).open(hu)
    assert len(session.review.lesions) == 500
    session.apply(Action.REJECT, operations.reject(session.review, list(range(1, 401)), RejectReason.NOISE))
    session.apply(Action.RELABEL, operations.relabel(session.review, list(range(401, 501)), Vessel.LM))
    fresh = find_lesions(calcium, hu, geometry, resolve(protocol_named("ccta-adaptive"), 200.0, 50.0, 120.0)).lesions
    assert session.scores.totals.agatston == pytest.approx(total(fresh[400:]).agatston)
    while session.can_undo:
        session.undo()
    assert labels_sha256(session.review) == labels_sha256(session.original)


def test_a_table_of_five_hundred_lesions_has_five_hundred_rows(tmp_path: Path) -> None:
    calcium, hu, geometry = five_hundred()
    write_lesions_csv(tmp_path / "lesions.csv", lesions_of(calcium, hu, geometry).lesions)
    with (tmp_path / "lesions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 501


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.float32, np.float64])
def test_calcium_at_the_end_of_the_scale_scores_the_same_in_every_type(dtype: type) -> None:
    lesion = cube_at(np.s_[3:6, 6:9, 7:10], 3071, dtype)
    assert (lesion.max_hu, lesion.mean_hu, lesion.density) == (3071.0, 3071.0, 4.0)
    # 9 voxels of 0.25 mm² in each of three slices, four times, at a quarter of 3 mm.
    assert lesion.agatston == pytest.approx(3 * 9 * 0.25 * 4 * 0.25)
    assert lesion.mass_mg == pytest.approx(0.00075 * 3071 * 27 * 0.1875)


def test_a_mean_of_many_bright_voxels_does_not_overflow_its_type() -> None:
    calcium, hu = np.full((20, 64, 64), Vessel.LAD, np.uint8), np.full((20, 64, 64), 32767, np.int16)
    (lesion,) = lesions_of(calcium, hu, Geometry((20, 64, 64), (0.75, 0.5, 0.5))).lesions
    assert (lesion.mean_hu, lesion.voxels) == (32767.0, 20 * 64 * 64)
    assert lesion.mass_mg == pytest.approx(0.00075 * 32767 * 20 * 64 * 64 * 0.1875)


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64])
def test_a_volume_of_any_type_is_the_same_volume(dtype: type, suffix: str, tmp_path: Path) -> None:
    values = np.full((7, 6, 5), 40, dtype)
    values[3, 2, 1] = 100
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / f"ct{suffix}"))
    hu = read_ct(tmp_path / f"ct{suffix}").hu
    assert hu.dtype == np.int16
    np.testing.assert_array_equal(hu, values.astype(np.int16))


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
def test_unsigned_values_beyond_int16_do_not_become_negative(suffix: str, tmp_path: Path) -> None:
    values = np.full((7, 6, 5), 40, np.uint16)
    values[3, 2, 1] = 40_000
    sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / f"ct{suffix}"))
    assert read_ct(tmp_path / f"ct{suffix}").hu.max() == 40_000


@pytest.mark.parametrize("away_mm", [(1e4, -2e4, 3e4), (9.9e5, 9.9e5, -9.9e5)])
def test_a_patient_far_from_the_origin_gets_the_same_labels(away_mm: tuple[float, float, float]) -> None:
    scan = schematic_ccta(spacing_mm_zyx=(1.2, 1.1, 1.0), shape_zyx=(60, 62, 70))
    here = prepared(scan)
    maps = true_probabilities(here)
    geometry = scan.volume.geometry
    moved = replace(geometry, origin_mm_lps=tuple(np.add(geometry.origin_mm_lps, away_mm)))
    there = prepared(Schematic(replace(scan.volume, geometry=moved), scan.calcium, scan.coronary))
    found = [
        label(volume, on_grid, Probabilities(*maps, choose_device("cpu"), 96))
        for volume, on_grid in ((scan.volume, here), (replace(scan.volume, geometry=moved), there))
    ]
    assert (found[0].calcium > 0).any()
    np.testing.assert_array_equal(found[1].calcium, found[0].calcium)
    np.testing.assert_array_equal(found[1].coronary, found[0].coronary)
    lesions = [find_lesions(found[0].calcium, scan.volume.hu, grid, ADAPTIVE).lesions for grid in (geometry, moved)]
    for near, far in zip(*lesions, strict=True):
        assert scores(far) == pytest.approx(scores(near))
        np.testing.assert_allclose(np.subtract(far.centroid_mm_lps, away_mm), near.centroid_mm_lps, atol=1e-6)
