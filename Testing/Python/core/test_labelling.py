"""The chain after the network: labels, lesions and scores on the CT's own grid, with a perfect network in its place."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from cacnet import vessels
from cacnet.anatomy import Vessel
from cacnet.heart_context import HeartContext, coarse_grid
from cacnet.inference import Probabilities, choose_device
from cacnet.judging import stents
from cacnet.labelling import HeartOutsideScanError, Labels, label, spread
from cacnet.left_out import RejectReason
from cacnet.lesions import find_lesions
from cacnet.pipeline import resolve_for
from cacnet.refinement import WindowModel
from cacnet.sparse_maps import SparseMap
from cacnet.vessels import TerritoryMap
from cacnet.volume import Acquisition, Geometry, Volume
from schematic import Schematic, artery_centres_mm_lps, prepared, schematic_ccta, true_probabilities
from scipy import ndimage
from scipy.spatial.transform import Rotation

ORIENTATIONS = [
    np.array(
        [[sign if column == axis else 0 for column in range(3)] for axis, sign in zip(order, signs, strict=True)]
    ).T
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]
ALL_AND_OBLIQUE = [*ORIENTATIONS, Rotation.from_euler("xyz", [25, -10, 40], degrees=True).as_matrix()]


def labelled(
    scan: Schematic,
    refine_borders: bool = True,
    border_model: WindowModel | None = None,
    seen: float = 1.0,
    is_artery: Callable[[np.ndarray], np.ndarray] | None = None,
    is_plaque: Callable[[np.ndarray], np.ndarray] | None = None,
    wall_model: WindowModel | None = None,
) -> Labels:
    """The labels where CAC-Net answers with the truth times `seen`, and the context network, if any, with `is_artery`
    and `is_plaque` (by default 1) of points (n, 3), LPS mm."""
    on_grid = prepared(scan)
    calcium, coronary = true_probabilities(on_grid)
    answer = Probabilities(np.float32(seen) * calcium, coronary, choose_device("cpu"), 96)
    context = None
    if is_artery is not None or is_plaque is not None:
        grid = coarse_grid(on_grid.grid)
        points = grid.index_to_lps(np.argwhere(np.ones(grid.shape_zyx, bool)))
        artery, plaque = (
            np.ones(grid.shape_zyx, np.float32) if asked is None else asked(points).reshape(grid.shape_zyx)
            for asked in (is_artery, is_plaque)
        )
        context = HeartContext(artery.astype(np.float32), plaque.astype(np.float32), grid)
    return label(scan.volume, on_grid, answer, refine_borders, border_model, context, wall_model)


@pytest.mark.slow
@pytest.mark.parametrize("direction", ALL_AND_OBLIQUE)
def test_labels_and_lesions_lie_where_they_are_in_the_patient_in_any_orientation(direction: np.ndarray) -> None:
    scan = schematic_ccta(direction)
    labels = labelled(scan)
    assert labels.calcium.shape == scan.volume.geometry.shape_zyx
    overlap = 2 * ((labels.calcium > 0) & scan.calcium).sum() / ((labels.calcium > 0).sum() + scan.calcium.sum())
    assert overlap > 0.85
    assert ((labels.coronary > 0) | (labels.calcium == 0)).all(), "calcium lies inside the arteries"
    resolved = resolve_for(scan.volume, None, labels.blood_hu)
    lesions = find_lesions(labels.calcium, scan.volume.hu, scan.volume.geometry, resolved).lesions
    found = np.array(sorted(lesion.centroid_mm_lps for lesion in lesions))
    np.testing.assert_allclose(found, sorted(artery_centres_mm_lps().tolist()), atol=0.45)


def test_the_score_does_not_depend_on_the_arrays_orientation() -> None:
    scores = []
    for direction in (np.eye(3), np.diag([-1.0, -1.0, 1.0]), np.diag([1.0, 1.0, -1.0])):
        scan = schematic_ccta(direction)
        resolved = resolve_for(scan.volume, "ccta-adaptive", np.full(100, 400.0))
        # Voxel centres of a flipped grid are the same points, so the masks are the same points too.
        truth = np.where(scan.calcium, np.uint8(Vessel.LAD), np.uint8(0))
        hu = np.where(scan.calcium, 1000, 0).astype(np.int16)
        lesions = find_lesions(truth, hu, scan.volume.geometry, resolved).lesions
        scores.append(sum(lesion.agatston for lesion in lesions))
    assert scores[0] > 0
    np.testing.assert_allclose(scores, scores[0])


def test_blood_is_measured_inside_the_arteries_and_away_from_calcium() -> None:
    labels = labelled(schematic_ccta())
    assert len(labels.blood_hu) > 100
    assert abs(np.median(labels.blood_hu) - 380) < 5
    assert labels.blood_hu.max() < 500


def dice_of(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def dice(labels: Labels, scan: Schematic) -> float:
    return dice_of(labels.calcium > 0, scan.calcium)


def test_the_ct_draws_the_borders_better_than_the_networks_coarser_grid() -> None:
    scan = schematic_ccta()
    refined, plain = labelled(scan), labelled(scan, refine_borders=False)
    assert dice(refined, scan) > dice(plain, scan)
    assert refined.borders_refined
    assert not plain.borders_refined
    assert "as asked for" in plain.borders
    np.testing.assert_array_equal(refined.coronary > 0, plain.coronary > 0)


FINE = {"spacing_mm_zyx": (0.9, 0.7, 0.7), "shape_zyx": (84, 104, 104)}
"""A grid that the border network knows."""


def bright_is_calcium(windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """A border network that answers 0.99 where the CT is 300 HU above blood."""
    for window in windows:
        yield np.where(window[0] > 0.75, np.float32(0.99), np.float32(0.05))


def left_out_mask(labels: Labels) -> np.ndarray:
    """Where the lesions lie that were found and do not count."""
    mask = np.zeros(labels.calcium.shape, bool)
    for lesion in labels.left_out_lesions:
        mask.ravel()[lesion.index] = True
    return mask


def test_the_border_network_draws_the_borders_where_the_model_has_one() -> None:
    scan = schematic_ccta(**FINE)
    labels = labelled(scan, border_model=bright_is_calcium)
    assert "border network" in labels.borders
    assert labels.second_look == ""
    # Noise of 12 HU: what is 300 HU above blood is exactly the calcium.
    np.testing.assert_array_equal(labels.calcium > 0, scan.calcium)
    assert ((labels.coronary > 0) | (labels.calcium == 0)).all(), "calcium lies inside the arteries"
    np.testing.assert_allclose(labels.probability[scan.calcium], 0.99, atol=0.02)


def test_lesions_that_only_the_border_network_found_are_named_with_their_place() -> None:
    scan = schematic_ccta(**FINE)
    labels = labelled(scan, border_model=bright_is_calcium, seen=0.1)
    np.testing.assert_array_equal(labels.calcium > 0, scan.calcium)
    assert labels.second_look.startswith("2 lesions were found by the second look")
    for left, posterior, _ in artery_centres_mm_lps():
        place = re.compile(rf"R {-left:.0f}\.\d, A {-posterior:.0f}\.\d")
        assert place.search(labels.second_look), labels.second_look
    assert labelled(scan, seen=0.1).second_look == ""


def test_what_the_second_look_finds_in_no_named_artery_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    scan = schematic_ccta(**FINE)
    unnamed = np.uint8(Vessel.UNASSIGNED)
    monkeypatch.setattr(
        vessels, "assign_calcium", lambda calcium, *_: replace(calcium, values=np.full(len(calcium.index), unnamed))
    )
    labels = labelled(scan, border_model=bright_is_calcium, seen=0.1)
    assert not labels.calcium.any()
    assert labels.second_look == ""
    (told,) = labels.left_out
    assert told.startswith("2 bright spots that look like calcium at a second look only")
    assert [lesion.reason for lesion in labels.left_out_lesions] == [RejectReason.OTHER] * 2
    np.testing.assert_array_equal(left_out_mask(labels), scan.calcium)
    # What CAC-Net has found as well stays, without an artery's name.
    kept = labelled(scan, border_model=bright_is_calcium)
    np.testing.assert_array_equal(kept.calcium, np.where(scan.calcium, 5, 0))


def test_a_lesion_that_reaches_the_end_of_the_range_is_left_out_as_metal_and_told() -> None:
    scan = schematic_ccta(**FINE)
    hu = scan.volume.hu.copy()
    first = tuple(np.argwhere(scan.calcium)[0])
    hu[first] = 3071
    labels = labelled(replace(scan, volume=replace(scan.volume, hu=hu)), border_model=bright_is_calcium, seen=0.1)
    assert not labels.calcium[first]
    assert 0 < np.count_nonzero(labels.calcium) < np.count_nonzero(scan.calcium)
    assert labels.second_look.startswith("One lesion was found by the second look")
    (told,) = labels.left_out
    assert "left out as metal" in told
    (lesion,) = labels.left_out_lesions
    assert lesion.reason is RejectReason.CLIP
    np.testing.assert_array_equal(left_out_mask(labels), scan.calcium & (labels.calcium == 0))


@pytest.mark.parametrize(("seen", "counts"), [(0.6, False), (1.0, True)])
def test_in_a_stent_only_what_the_first_network_is_sure_of_counts(
    seen: float, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = schematic_ccta(**FINE)
    plaque = np.argwhere(scan.calcium)
    points = scan.volume.geometry.index_to_lps(plaque)
    stent = stents.Stent(Vessel.LAD, 10.0, 25.0, points, np.full(len(points), 1.0))
    monkeypatch.setattr(stents, "find_stents", lambda *_: (stent,))
    labels = labelled(scan, border_model=bright_is_calcium, seen=seen)
    assert labels.calcium.any() == counts
    assert {lesion.reason for lesion in labels.left_out_lesions} == (set() if counts else {RejectReason.STENT})
    (told,) = labels.left_out
    assert told.startswith("The LAD is bright all around from 10 to 25 mm from its ostium, as a stent is.")


def test_lesions_that_the_border_network_does_not_confirm_are_told_with_their_place() -> None:
    scan = schematic_ccta(**FINE)
    labels = labelled(scan, border_model=lambda windows: (np.zeros_like(window[0]) for window in windows))
    assert not labels.calcium.any()
    assert labels.denied.startswith("2 lesions of the first network were not confirmed")
    assert [(lesion.reason, lesion.confidence) for lesion in labels.left_out_lesions] == [
        (RejectReason.OTHER, pytest.approx(1.0, abs=0.1))
    ] * 2
    assert dice_of(left_out_mask(labels), scan.calcium) > 0.8
    assert labelled(scan, border_model=bright_is_calcium).denied == ""


def test_what_is_denied_and_reaches_the_end_of_the_range_is_taken_for_metal_too() -> None:
    scan = schematic_ccta(**FINE)
    hu = scan.volume.hu.copy()
    hu[tuple(np.argwhere(scan.calcium)[0])] = 3071
    bright = replace(scan, volume=replace(scan.volume, hu=hu))
    labels = labelled(bright, border_model=lambda windows: (np.zeros_like(window[0]) for window in windows))
    assert {lesion.reason for lesion in labels.left_out_lesions} == {RejectReason.CLIP, RejectReason.OTHER}


def test_what_is_no_artery_in_the_whole_heart_is_no_artery_and_its_calcium_is_left_out_and_told() -> None:
    """Of two vessels 56 mm apart, the context network takes one for a vein."""
    scan = schematic_ccta(**FINE)
    (x, _, _), (far_x, _, _) = artery_centres_mm_lps()
    middle = (x + far_x) / 2

    def is_near_the_first(points_mm_lps: np.ndarray) -> np.ndarray:
        return (points_mm_lps[:, 0] < middle) == (x < middle)

    believed = labelled(scan, border_model=bright_is_calcium)
    labels = labelled(scan, border_model=bright_is_calcium, is_artery=is_near_the_first)
    stays = is_near_the_first(scan.volume.geometry.index_to_lps(np.argwhere(believed.coronary > 0)))
    assert 0 < np.count_nonzero(labels.coronary) == np.count_nonzero(stays) < len(stays)
    vein = np.zeros(scan.calcium.shape, bool)
    vein[tuple(np.argwhere(scan.calcium).T)] = ~is_near_the_first(
        scan.volume.geometry.index_to_lps(np.argwhere(scan.calcium))
    )
    np.testing.assert_array_equal(labels.calcium > 0, scan.calcium & ~vein)
    (told,) = labels.left_out
    assert told.startswith("One calcification lies in a vessel or wall that does not run through the heart as")
    assert [lesion.reason for lesion in labels.left_out_lesions] == [RejectReason.OTHER]
    assert dice_of(left_out_mask(labels), vein) > 0.8
    taken_mm3 = re.search(r"took (\d+) mm³ of veins", labels.arteries)
    assert abs(int(taken_mm3[1]) - np.count_nonzero(~stays) * scan.volume.geometry.voxel_volume_mm3) < 1


def test_what_counts_is_not_left_out_as_well() -> None:
    """The context network believes one vessel only above its plaque's middle: CAC-Net's plaque goes with what is below,
    and the border network draws again what lies above."""
    scan = schematic_ccta(**FINE)
    (x, _, z), (far_x, _, _) = artery_centres_mm_lps()

    def is_artery(points_mm_lps: np.ndarray) -> np.ndarray:
        is_far = (points_mm_lps[:, 0] > (x + far_x) / 2) == (far_x > x)
        return is_far | (points_mm_lps[:, 2] > z + 1.0)

    labels = labelled(scan, border_model=bright_is_calcium, is_artery=is_artery)
    assert labels.second_look.startswith("One lesion was found by the second look")
    assert not (left_out_mask(labels) & (labels.calcium > 0)).any()


def test_calcium_that_is_no_plaque_in_the_whole_heart_is_left_out_and_told() -> None:
    scan = schematic_ccta(**FINE)
    (x, _, _), (far_x, _, _) = artery_centres_mm_lps()

    def is_left_of_middle(points_mm_lps: np.ndarray) -> np.ndarray:
        return points_mm_lps[:, 0] > (x + far_x) / 2

    labels = labelled(scan, border_model=bright_is_calcium, is_plaque=is_left_of_middle)
    plaque = np.zeros(scan.calcium.shape, bool)
    at = np.argwhere(scan.calcium)
    plaque[tuple(at.T)] = is_left_of_middle(scan.volume.geometry.index_to_lps(at))
    np.testing.assert_array_equal(labels.calcium > 0, plaque)
    (told,) = labels.left_out
    assert told.startswith("One calcification lies where the heart's valves, their rings or the aorta's wall calcify")
    (lesion,) = labels.left_out_lesions
    assert (lesion.vessel, lesion.reason) == (Vessel.RCA, RejectReason.AORTIC_WALL)
    np.testing.assert_array_equal(left_out_mask(labels), scan.calcium & ~plaque)


@pytest.mark.parametrize(
    ("vessel", "reason"), [(Vessel.LCX, RejectReason.VALVE), (Vessel.LAD, RejectReason.AORTIC_WALL)]
)
def test_what_is_no_plaque_is_a_valves_beside_the_circumflex_and_the_aortas_elsewhere(
    vessel: Vessel, reason: RejectReason, monkeypatch: pytest.MonkeyPatch
) -> None:
    def named(calcium: SparseMap, *_: object) -> SparseMap:
        return replace(calcium, values=np.full(len(calcium.index), np.uint8(vessel)))

    monkeypatch.setattr(vessels, "assign_calcium", named)
    scan = schematic_ccta(**FINE)
    labels = labelled(scan, border_model=bright_is_calcium, is_plaque=lambda points: np.zeros(len(points)))
    assert not labels.calcium.any()
    assert [lesion.reason for lesion in labels.left_out_lesions] == [reason] * 2


def test_a_context_that_would_take_most_of_the_arteries_is_not_believed_and_that_is_told() -> None:
    scan = schematic_ccta(**FINE)
    plain = labelled(scan, border_model=bright_is_calcium)
    none_is = labelled(scan, border_model=bright_is_calcium, is_artery=lambda points: np.zeros(len(points)))
    np.testing.assert_array_equal(none_is.coronary, plain.coronary)
    np.testing.assert_array_equal(none_is.calcium, plain.calcium)
    assert none_is.left_out_lesions == ()
    assert "takes 100 % of what" in none_is.not_judged
    assert none_is.arteries == none_is.not_judged
    assert plain.not_judged == ""


def test_a_context_that_believes_everything_changes_nothing() -> None:
    scan = schematic_ccta(**FINE)
    plain = labelled(scan, border_model=bright_is_calcium)
    seen = labelled(scan, border_model=bright_is_calcium, is_artery=lambda points: np.ones(len(points)))
    np.testing.assert_array_equal(seen.coronary, plain.coronary)
    np.testing.assert_array_equal(seen.calcium, plain.calcium)
    assert (plain.arteries, seen.left_out_lesions) == ("", ())
    assert "took 0 mm³" in seen.arteries


def test_a_rule_draws_the_borders_on_a_grid_that_the_border_network_does_not_know() -> None:
    scan = schematic_ccta(spacing_mm_zyx=(2.0, 0.7, 0.7), shape_zyx=(38, 104, 104))
    assert "each plaque's contrast to blood" in labelled(scan, border_model=bright_is_calcium).borders


def shrunken(windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """A wall network that takes the outermost voxels off every artery."""
    for window in windows:
        yield ndimage.binary_erosion(window[2] > 0, border_value=1).astype(np.float32)


def test_the_wall_network_moves_the_arteries_walls_and_nothing_else() -> None:
    scan = schematic_ccta(**FINE)
    plain, drawn = labelled(scan), labelled(scan, wall_model=shrunken)
    assert plain.walls == ""
    assert "by the wall network" in drawn.walls
    np.testing.assert_array_equal(drawn.calcium, plain.calcium)
    assert 0 < np.count_nonzero(drawn.coronary) < 0.8 * np.count_nonzero(plain.coronary)
    np.testing.assert_array_equal(drawn.coronary[drawn.coronary > 0], plain.coronary[drawn.coronary > 0])
    assert ((drawn.coronary > 0) | (drawn.calcium == 0)).all(), "calcium lies inside the arteries"
    assert drawn.left_out == plain.left_out


def test_the_walls_are_cac_nets_where_that_is_asked_for() -> None:
    scan = schematic_ccta(**FINE)
    plain, asked = (labelled(scan, refine_borders=False, wall_model=model) for model in (None, shrunken))
    np.testing.assert_array_equal(asked.coronary, plain.coronary)
    assert asked.walls == ""


def test_spread_gives_a_boundary_voxel_its_neighbours_artery_and_a_far_piece_none() -> None:
    geometry = Geometry((1, 1, 12), (1.0, 1.0, 1.0))
    territory = np.array([[[2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]], np.uint8)
    coronary = np.array([[[1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]]], bool)
    expected = [[[2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 5, 5]]]
    spread_map = spread(SparseMap.of(territory), SparseMap.of(coronary), geometry)
    np.testing.assert_array_equal(spread_map.dense(), expected)


def test_spread_without_any_known_artery_is_unassigned() -> None:
    coronary = np.ones((1, 1, 3), bool)
    territory = SparseMap.of(np.zeros((1, 1, 3), np.uint8))
    result = spread(territory, SparseMap.of(coronary), Geometry((1, 1, 3), (1.0, 1.0, 1.0)))
    np.testing.assert_array_equal(result.dense(), [[[5, 5, 5]]])


def test_a_region_outside_the_ct_is_an_error_and_not_an_empty_result() -> None:
    scan = schematic_ccta()
    on_grid = prepared(scan)
    elsewhere = Volume(
        np.zeros((20, 20, 20), np.int16), Geometry((20, 20, 20), (1.0,) * 3, (900.0, 0.0, 0.0)), Acquisition()
    )
    calcium, coronary = true_probabilities(on_grid)
    with pytest.raises(HeartOutsideScanError, match="outside the CT"):
        label(elsewhere, on_grid, Probabilities(calcium, coronary, choose_device("cpu"), 96))


def test_a_piece_far_from_the_named_arteries_is_left_out_and_its_calcium_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two vessels 56 mm apart, one is named, half as the RCA and half as the LAD."""
    (x, y, _), (far_x, _, _) = artery_centres_mm_lps()

    def named(coronary: SparseMap, _hu: np.ndarray, geometry: Geometry) -> TerritoryMap:
        at = geometry.index_to_lps(coronary.voxels)
        half = np.where(at[:, 1] < y, Vessel.RCA, Vessel.LAD)
        vessel = np.where(np.abs(at[:, 0] - x) < np.abs(at[:, 0] - far_x), half, Vessel.UNASSIGNED)
        return TerritoryMap(replace(coronary, values=vessel.astype(np.uint8)), None, ())

    scan = schematic_ccta()
    kept = labelled(scan)
    monkeypatch.setattr("cacnet.vessels.label_territories", named)
    labels = labelled(scan)
    far = scan.volume.geometry.index_to_lps(np.argwhere(kept.calcium > 0))[:, 0] < (x + far_x) / 2
    assert 0 < np.count_nonzero(labels.calcium) == np.count_nonzero(~far) < len(far)
    assert set(np.unique(labels.coronary)) == {0, Vessel.RCA, Vessel.LAD}
    (sentence,) = labels.far_away
    assert f"R {-far_x:.1f}"[:4] in sentence
    assert labels.left_out_lesions == (), "far from every artery there is nothing for a reader to judge"
    denied = labelled(
        schematic_ccta(**FINE), border_model=lambda windows: (np.zeros_like(window[0]) for window in windows)
    )
    assert denied.denied.startswith("One lesion of the first network was not confirmed")
    assert len(denied.left_out_lesions) == 1
    assert f"R {-far_x:.1f}"[:4] in denied.far_away[0]
    assert kept.left_out == kept.far_away == ()
