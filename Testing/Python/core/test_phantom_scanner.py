"""The simulated scanner does what its settings say: blur, noise, padding, motion, slabs."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet.phantom.canvas import Canvas
from cacnet.phantom.motion import move_labels, move_slabs, seen_share, seen_way
from cacnet.phantom.patient import draw_patient
from cacnet.phantom.scan_settings import Motion
from cacnet.phantom.scanner import (
    ScanSettings,
    coarser,
    crop_scan,
    draw_scan,
    outside_field,
    scan,
    without_contrast,
)
from cacnet.phantom.simulate import label_by_coverage
from cacnet.volume import Geometry

PATIENT = draw_patient(1)
QUIET = ScanSettings(
    geometry=Geometry((40, 96, 96), (0.5, 0.4, 0.4), (-19.0, -19.0, -10.0)),
    field_centre_mm_xy=(0.0, 0.0),
    field_radius_mm=19.2,
    psf_fwhm_mm=0.8,
    psf_z_fwhm_mm=0.9,
    edge_enhancement=0.0,
    noise_sd_hu=0.0,
    noise_anisotropy=0.0,
    noise_z_correlation=0.3,
    streak_strength=0.0,
    padding_hu=-2048,
    circular_field=False,
)


def uniform_canvas(hu: float = 0.0) -> Canvas:
    return Canvas.filled((-20, -20, -11), (20, 20, 11), 0.5, hu)


def scanned(canvas: Canvas, settings: ScanSettings, seed: int = 0) -> np.ndarray:
    return scan(canvas, PATIENT, settings, np.random.default_rng(seed)).astype(float)


@pytest.fixture(scope="module")
def noise():
    return scanned(uniform_canvas(), replace(QUIET, noise_sd_hu=30.0))


def test_noise_has_the_standard_deviation_that_was_set(noise):
    assert noise[:, 32:64, 32:64].std() == pytest.approx(30.0, rel=0.06)


def test_noise_leaves_the_mean_alone(noise):
    assert abs(noise.mean()) < 0.5


def test_noise_of_neighbouring_pixels_is_correlated_and_cancels_over_larger_regions(noise):
    pair = np.corrcoef(noise[:, :, :-1].ravel(), noise[:, :, 1:].ravel())[0, 1]
    assert 0.2 < pair < 0.9
    blocks = noise.reshape(40, 6, 16, 6, 16).mean((2, 4))
    # White noise smoothed by a Gaussian of SD s scatters over blocks of area A by √(4π s² / A); a ramp by far less.
    smoothed_white = 30.0 * np.sqrt(4 * np.pi * (1.15 * 0.8 / 2.355) ** 2 / 6.4**2)
    assert blocks.std() < 0.5 * smoothed_white


def test_noise_of_neighbouring_slices_has_the_correlation_that_was_set(noise):
    assert np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1] == pytest.approx(0.3, abs=0.04)


def test_the_same_generator_gives_the_same_voxels(noise):
    np.testing.assert_array_equal(scanned(uniform_canvas(), replace(QUIET, noise_sd_hu=30.0)), noise)


def edge_response_fwhm_mm(axis: str) -> float:
    canvas = uniform_canvas()
    box = canvas.box((-20, -20, -11), (20, 20, 11))
    distance = (box.x_mm if axis == "x" else box.z_mm) + 0.1
    canvas.hu[...] = 1000.0 * canvas.coverage(np.broadcast_to(distance, canvas.hu.shape))
    fine = Geometry((200, 8, 8), (0.05, 0.4, 0.4), (0, 0, -5.0))
    if axis == "x":
        fine = Geometry((8, 8, 200), (0.4, 0.4, 0.05), (-5.0, 0, 0))
    hu = scanned(canvas, replace(QUIET, geometry=fine))
    edge = hu[4, 4] if axis == "x" else hu[:, 4, 4]
    line = -np.gradient(edge, 0.05)
    position = -5.0 + 0.05 * np.arange(200)
    sd = np.sqrt((line * position**2).sum() / line.sum() - ((line * position).sum() / line.sum()) ** 2)
    return float(2.3548 * sd)


@pytest.mark.parametrize(("axis", "fwhm"), [("x", 0.8), ("z", 0.9)])
def test_an_edge_is_blurred_by_the_width_that_was_set(axis, fwhm):
    assert edge_response_fwhm_mm(axis) == pytest.approx(fwhm, abs=0.05)


def test_a_sharp_kernel_overshoots_at_an_edge():
    canvas = uniform_canvas()
    canvas.hu[:, :, 40:] = 500.0
    assert scanned(canvas, QUIET).max() <= 500
    assert scanned(canvas, replace(QUIET, edge_enhancement=0.5)).max() > 515


def test_attenuation_is_clipped_to_what_twelve_bits_hold():
    assert scanned(uniform_canvas(9000.0), QUIET).max() == 3071
    assert scanned(uniform_canvas(-4000.0), QUIET).min() == -1024


def test_outside_the_circular_field_lies_padding():
    settings = replace(QUIET, circular_field=True)
    hu = scanned(uniform_canvas(40.0), settings)
    assert (hu[:, 0, 0] == -2048).all()
    assert (hu[:, 48, 48] == 40).all()
    np.testing.assert_array_equal((hu == -2048).all(0), outside_field(settings, settings.geometry))


def test_a_square_field_has_no_padding():
    assert not outside_field(QUIET, QUIET.geometry).any()


def rod_canvas() -> Canvas:
    canvas = uniform_canvas()
    canvas.hu[:, 38:42, 38:42] = 1000.0
    canvas.layers["coronary"] = np.zeros(canvas.hu.shape, np.uint8)
    canvas.layers["coronary"][:, 38:42, 38:42] = 4
    return canvas


def test_double_motion_leaves_a_weaker_second_contour():
    moved = replace(QUIET, motion=(Motion(4, (5.0, 0.0, 0.0), double=True),))
    row = scanned(rod_canvas(), moved)[20, 47]
    x_mm = -19.0 + 0.4 * np.arange(96)
    here, there, between = (row[np.abs(x_mm - x) < 0.6].max() for x in (0.0, -3.7, -1.9))
    assert between < 250
    assert 300 < there < here < 1000


def test_motion_of_one_artery_leaves_the_rest_of_the_scan_alone():
    moved = replace(QUIET, motion=(Motion(3, (6.0, 0.0, 0.0), double=False),))
    np.testing.assert_array_equal(scanned(rod_canvas(), moved), scanned(rod_canvas(), QUIET))


def test_a_slab_step_moves_attenuation_and_labels_together():
    canvas = rod_canvas()
    settings = replace(QUIET, slab_mm=10.0, slab_steps_mm_xy=((0.0, 0.0), (3.0, 0.0)), slab_hu=(0.0, 0.0))
    move_slabs(canvas, settings)
    for layer in (canvas.hu, canvas.layers["coronary"]):
        lower, upper = (np.flatnonzero(layer[k, 40]).mean() for k in (2, 42))
        assert lower - upper == pytest.approx(6.0, abs=0.6)


def test_drawn_settings_lie_in_the_documented_ranges_and_repeat():
    drawn = [(draw_patient(seed), draw_scan(draw_patient(seed))) for seed in range(60)]
    for patient, settings in drawn:
        z, y, _ = settings.geometry.spacing_mm_zyx
        assert 0.25 <= y <= 0.8
        assert 0.3 <= z <= 3.0
        assert 0.45 <= settings.psf_fwhm_mm <= 1.3
        assert 9 <= settings.noise_sd_hu <= 65
        assert settings == draw_scan(patient)
    ordinary = [
        0.30 <= s.geometry.spacing_mm_zyx[1] <= 0.49 and 0.4 <= s.geometry.spacing_mm_zyx[0] <= 0.8 for _, s in drawn
    ]
    assert np.mean(ordinary) > 0.5
    assert draw_scan(PATIENT, "chest").geometry.extent_mm_zyx[1] >= 350


def test_a_half_rotation_draws_a_moving_rod_out_across_its_way_and_keeps_what_it_attenuates():
    still = scanned(rod_canvas(), QUIET)
    moved = replace(QUIET, motion=(Motion(4, (5.0, 0.0, 0.0), double=False, start_deg=0.0),))
    hu = scanned(rod_canvas(), moved)
    assert hu[20].max() < 0.75 * still[20].max()
    assert hu[20].sum() == pytest.approx(still[20].sum(), rel=0.05)
    # No even smear: undershoot beside it.
    assert hu[20].min() < -15


def test_the_whole_heart_can_move():
    canvas = rod_canvas()
    canvas.hu[:, 50:54, 50:54] = 900.0
    moved = replace(QUIET, motion=(Motion(0, (4.0, 0.0, 0.0), double=False, start_deg=30.0),))
    assert scanned(canvas, moved)[20].max() < 0.85 * scanned(canvas, QUIET)[20].max()


def test_a_reader_sees_no_displacement_of_what_moves_past_the_middle_of_its_projections():
    way = np.array([0.0, 0.0, 4.0])
    # Directions along the way are measured half way through the half rotation; those beside it before and after.
    np.testing.assert_allclose(seen_way(way, 90.0)[1], 0.0, atol=1e-6)
    # What is measured first shows where it was, what is measured last where it came to.
    assert seen_way(way, 120.0)[1] < -0.3 < 0.3 < seen_way(way, 60.0)[1]
    np.testing.assert_allclose(seen_way(2 * way, 60.0), 2 * seen_way(way, 60.0))


def test_close_contours_are_one_in_their_middle_by_dose_and_of_far_ones_the_stronger_stands_alone():
    assert seen_share(np.array([0.0, 0.1, 6.0])) == pytest.approx([0.4, 0.4, 0.0], abs=0.006)
    # Between them the share only falls, and the place seen lies where the two Gaussians' slopes cancel.
    ways = np.linspace(0, 4, 30)
    shares = seen_share(ways)
    assert (np.diff(shares) <= 0).all()
    way, share = 1.5, float(seen_share(np.array([1.5]))[0])
    slopes = [
        0.6 * share * np.exp(-((share * way) ** 2) / 2),
        0.4 * (1 - share) * np.exp(-(((1 - share) * way) ** 2) / 2),
    ]
    assert slopes[0] == pytest.approx(slopes[1], rel=0.05)


@pytest.mark.parametrize("start_deg", [30.0, 90.0, 150.0])
def test_labels_lie_where_the_motion_shows_the_artery(start_deg):
    before_mm, seen_mm, after_mm = places_of(rod_canvas(), Motion(4, (3.0, 0.0, 0.0), False, start_deg))
    assert np.linalg.norm(after_mm - seen_mm) < 0.6 * np.linalg.norm(before_mm - seen_mm)


def test_labels_lie_between_close_contours_that_the_scan_shows_as_one():
    canvas = uniform_canvas()
    canvas.layers["coronary"] = np.zeros(canvas.hu.shape, np.uint8)
    canvas.layers["coronary"][:, 37:43, 37:43] = 4
    canvas.hu += 1000.0 * (canvas.layers["coronary"] > 0)
    before_mm, seen_mm, after_mm = places_of(canvas, Motion(4, (1.5, 0.0, 0.0), double=True))
    # Labels are whole voxels of 0.5 mm.
    assert abs(after_mm - seen_mm)[0] <= 0.25 < abs(before_mm - seen_mm)[0]


def places_of(canvas: Canvas, motion: Motion) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, y) in mm of the middle slice's artery: before the move, in the scan of the move, and its label after it."""
    settings = replace(QUIET, motion=(motion,))
    row = scanned(canvas, settings)[20]
    seen_mm = centre_mm(row * (row > row.max() / 2), settings.geometry)
    before_mm = centre_mm(canvas.layers["coronary"][20], canvas.geometry)
    move_labels(canvas, settings)
    return before_mm, seen_mm, centre_mm(canvas.layers["coronary"][20], canvas.geometry)


def test_labels_lie_where_a_double_contour_shows_an_artery_that_moved_across_slices():
    canvas = uniform_canvas()
    canvas.layers["coronary"] = np.zeros(canvas.hu.shape, np.uint8)
    canvas.layers["coronary"][21:26, 38:43] = 4
    canvas.hu += 1000.0 * (canvas.layers["coronary"] > 0)
    settings = replace(QUIET, motion=(Motion(4, (0.0, 0.0, 1.5), double=True),))
    column = scanned(canvas, settings)[:, 48, 48]
    z_mm = settings.geometry.origin_mm_lps[2] + 0.5 * np.arange(40)
    seen_mm = (column * z_mm).sum() / column.sum()
    move_labels(canvas, settings)
    rows = np.flatnonzero(canvas.layers["coronary"][:, 40, 40])
    assert len(rows) == 5
    after_mm = canvas.geometry.origin_mm_lps[2] + 0.5 * rows.mean()
    rest_mm = canvas.geometry.origin_mm_lps[2] + 0.5 * 23
    # Labels are whole voxels of 0.5 mm.
    assert abs(after_mm - seen_mm) <= 0.25 < abs(rest_mm - seen_mm)


def centre_mm(plane: np.ndarray, geometry: Geometry) -> np.ndarray:
    at = np.argwhere(plane > 0)
    centre = (at * plane[plane > 0][:, None]).sum(axis=0) / plane.sum()
    return geometry.index_to_lps(np.array([[0.0, *centre]]))[0, :2]


def plaque_canvas() -> Canvas:
    """A plaque of 5 × 2 × 1.75 mm (z, y, x) in the artery; a quarter of its outermost column is partly filled."""
    canvas = rod_canvas()
    canvas.layers["calcium"] = np.zeros(canvas.hu.shape, np.uint8)
    canvas.layers["calcium_fraction"] = np.zeros(canvas.hu.shape, np.float32)
    canvas.layers["calcium"][15:25, 38:42, 38:42] = 4
    canvas.layers["calcium_fraction"][15:25, 38:42, 38:42] = 1.0
    canvas.layers["calcium_fraction"][15:25, 38:42, 41] = 0.3
    return canvas


def calcium_label(canvas: Canvas) -> np.ndarray:
    """What the scan's label of a canvas is, as bool."""
    layers = canvas.layers
    return label_by_coverage(canvas, layers["calcium"], layers["calcium_fraction"], QUIET.geometry) > 0


@pytest.mark.parametrize("double", [False, True])
def test_moved_calcium_keeps_its_volume_and_a_number_wherever_there_is_some(double):
    canvas = plaque_canvas()
    move_labels(canvas, replace(QUIET, motion=(Motion(4, (3.0, 0.0, 0.0), double, start_deg=40.0),)))
    fraction, number = canvas.layers["calcium_fraction"], canvas.layers["calcium"]
    volume_mm3 = plaque_canvas().layers["calcium_fraction"].sum() * 0.125
    assert label_mm3(canvas) == pytest.approx(volume_mm3, rel=0.1)
    np.testing.assert_array_equal(number > 0, fraction > 0)
    assert set(np.unique(number)) == {0, 4}
    assert (fraction >= 0).all()


def label_mm3(canvas: Canvas) -> float:
    return np.count_nonzero(calcium_label(canvas)) * QUIET.geometry.voxel_volume_mm3


@pytest.mark.parametrize("filled", [0.2, 0.35, 0.7])
def test_a_plaque_thinner_than_a_voxel_is_labelled_with_its_volume(filled):
    canvas = plaque_canvas()
    canvas.layers["calcium"][...] = canvas.layers["calcium_fraction"][...] = 0
    # A sheet of 6 mm by 6 mm, oblique to the voxels of 0.5 mm and `filled` times as thick.
    for z in range(14, 26):
        for y in range(34, 46):
            column, share = divmod(36 + 0.31 * (y - 34) + 0.23 * (z - 14), 1)
            canvas.layers["calcium"][z, y, int(column) : int(column) + 2] = 4
            canvas.layers["calcium_fraction"][z, y, int(column) : int(column) + 2] = (
                filled * (1 - share),
                filled * share,
            )
    move_labels(canvas, QUIET)
    assert label_mm3(canvas) == pytest.approx(36.0 * 0.5 * filled, rel=0.02)


def test_of_two_plaques_each_keeps_its_own_volume():
    canvas = plaque_canvas()
    thin = np.random.default_rng(1).uniform(0.1, 0.4, (10, 4, 4))
    canvas.layers["calcium"][15:25, 20:24, 20:24] = 2
    canvas.layers["calcium_fraction"][15:25, 20:24, 20:24] = thin
    move_labels(canvas, QUIET)
    labels = label_by_coverage(canvas, canvas.layers["calcium"], canvas.layers["calcium_fraction"], QUIET.geometry)
    voxel_mm3 = QUIET.geometry.voxel_volume_mm3
    assert np.count_nonzero(labels == 2) * voxel_mm3 == pytest.approx(thin.sum() * 0.125, abs=voxel_mm3)
    assert np.count_nonzero(labels == 4) * voxel_mm3 == pytest.approx((120 + 40 * 0.3) * 0.125, rel=0.1)


def test_of_two_equal_places_neither_is_labelled_rather_than_both():
    canvas = plaque_canvas()
    canvas.layers["calcium"][...] = canvas.layers["calcium_fraction"][...] = 0
    # Two canvas voxels, of which each fills one of the scan's by the same share; in sum they fill one.
    grid = replace(QUIET, geometry=canvas.geometry)
    canvas.layers["calcium"][20, 40, 40:42] = 4
    canvas.layers["calcium_fraction"][20, 40, 40:42] = 0.5
    move_labels(canvas, grid)
    layers = canvas.layers
    assert not label_by_coverage(canvas, layers["calcium"], layers["calcium_fraction"], canvas.geometry).any()


def test_a_plaque_across_two_arteries_keeps_both_numbers():
    canvas = plaque_canvas()
    canvas.layers["calcium"][20:25, 38:42, 38:42] = 2
    move_labels(canvas, QUIET)
    assert set(np.unique(canvas.layers["calcium"])) == {0, 2, 4}


def test_moved_calcium_takes_the_shape_that_the_scan_shows():
    canvas = plaque_canvas()
    settings = replace(QUIET, motion=(Motion(4, (4.0, 0.0, 0.0), double=False, start_deg=0.0),))
    canvas.hu[...] = 0.0
    canvas.hu += 1000 * canvas.layers["calcium_fraction"]
    hu = scanned(canvas, settings)
    move_labels(canvas, settings)
    shown, still = calcium_label(canvas), calcium_label(plaque_canvas())
    brightest = hu >= np.partition(hu, -still.sum(), axis=None)[-still.sum()]
    assert dice(shown, brightest) > 0.8 > dice(still, brightest) + 0.15


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def test_of_a_double_contour_calcium_lies_mostly_at_the_stronger_one():
    canvas = plaque_canvas()
    move_labels(canvas, replace(QUIET, motion=(Motion(4, (5.0, 0.0, 0.0), double=True),)))
    assert dice(calcium_label(canvas), calcium_label(plaque_canvas())) > 0.75


def test_calcium_too_small_to_fill_half_of_a_voxel_stays_so():
    canvas = plaque_canvas()
    canvas.layers["calcium"][...] = canvas.layers["calcium_fraction"][...] = 0
    canvas.layers["calcium"][20, 40, 40] = 4
    canvas.layers["calcium_fraction"][20, 40, 40] = 0.4 * QUIET.geometry.voxel_volume_mm3 / 0.125
    move_labels(canvas, replace(QUIET, motion=(Motion(4, (3.0, 0.0, 0.0), double=False, start_deg=40.0),)))
    assert 0 < canvas.layers["calcium_fraction"].max() < 0.5
    assert not calcium_label(canvas).any()


@pytest.mark.parametrize("motion", [(), (Motion(3, (5.0, 0.0, 0.0), False),)])
def test_labels_stay_at_rest_where_nothing_moves(motion):
    canvas = rod_canvas()
    move_labels(canvas, replace(QUIET, motion=motion))
    np.testing.assert_array_equal(canvas.layers["coronary"], rod_canvas().layers["coronary"])


def test_labels_of_contours_far_apart_stay_at_the_stronger_one():
    canvas = rod_canvas()
    move_labels(canvas, replace(QUIET, motion=(Motion(4, (6.0, 0.0, 0.0), double=True),)))
    # Towards the first and last slice the motion fades out, and the contours lie closer.
    np.testing.assert_array_equal(canvas.layers["coronary"][20:25], rod_canvas().layers["coronary"][20:25])


def test_iterative_noise_is_coarser_and_has_the_same_standard_deviation():
    sharp, smooth = (
        scanned(uniform_canvas(), replace(QUIET, noise_sd_hu=30.0, noise_smoothing_mm=mm, noise_tail=mm / 3))
        for mm in (0.0, 1.0)
    )
    pairs = [np.corrcoef(n[:, :, :-1].ravel(), n[:, :, 1:].ravel())[0, 1] for n in (sharp, smooth)]
    assert pairs[1] > pairs[0] + 0.1
    assert smooth.std() == pytest.approx(sharp.std(), rel=0.1)


def test_shading_is_slow_and_weak():
    hu = scanned(uniform_canvas(), replace(QUIET, shading_hu=5.0))
    assert 0.5 < hu.std() < 20
    assert np.abs(np.diff(hu, axis=2)).max() <= 2


def test_a_cropped_scan_keeps_the_voxel_centres_of_the_whole():
    cropped = crop_scan(QUIET, np.array([-5.0, -5.0, -5.0]), np.array([5.0, 6.0, 7.0]))
    index = QUIET.geometry.lps_to_index(np.array(cropped.geometry.origin_mm_lps))
    np.testing.assert_allclose(index, np.rint(index), atol=1e-9)
    lower, upper = cropped.geometry.bounds_mm_lps
    assert (lower <= [-5, -5, -5]).all()
    assert (upper >= [5, 6, 7]).all()


def test_coarser_voxels_cover_the_same_extent():
    lower, upper = QUIET.geometry.bounds_mm_lps
    new_lower, new_upper = coarser(QUIET, 2).geometry.bounds_mm_lps
    np.testing.assert_allclose(new_lower, lower)
    np.testing.assert_allclose(new_upper, upper)


def test_a_scan_without_contrast_has_slices_of_three_mm_in_the_same_place():
    plain = without_contrast(replace(QUIET, motion=(Motion(4, (1.0, 0.0, 0.0), False),)))
    assert plain.geometry.spacing_mm_zyx[0] == 3.0
    assert plain.motion == ()
    assert plain.geometry.bounds_mm_lps[0][2] == pytest.approx(QUIET.geometry.bounds_mm_lps[0][2])


def test_the_fine_canvas_replaces_its_surroundings_where_it_lies():
    around = Canvas.filled((-25, -25, -15), (25, 25, 15), 1.0, -800.0)
    heart = Canvas.filled((-10, -10, -6), (10, 10, 6), 0.5, 100.0)
    hu = scan(heart, PATIENT, QUIET, np.random.default_rng(0), around)
    assert hu[20, 48, 48] == 100
    assert hu[20, 2, 2] == -800


@pytest.mark.parametrize(("enhancement", "word"), [(0.0, "smooth"), (0.2, "medium"), (0.6, "sharp")])
def test_the_kernel_has_a_word(enhancement, word):
    assert replace(QUIET, edge_enhancement=enhancement).kernel == word
