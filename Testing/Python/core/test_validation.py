"""What is said about an input before segmentation, and with what severity."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet.findings import Finding, Severity
from cacnet.reading import read_ct
from cacnet.validation import check, exit_code, has_errors
from cacnet.volume import Volume
from core.chest_volumes import SPACING_MM, chest, chest_hu, volume_of
from shared_data import shared_data


def found(volume: Volume) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in check(volume)}


def spaced(volume: Volume, *spacing_mm_zyx: float) -> Volume:
    return replace(volume, geometry=replace(volume.geometry, spacing_mm_zyx=spacing_mm_zyx))


def directed(volume: Volume, direction: np.ndarray) -> Volume:
    return replace(volume, geometry=replace(volume.geometry, direction_lps=tuple(direction.ravel())))


def test_good_ccta_has_only_a_note_on_its_contrast():
    volume = volume_of(chest_hu(380, 20, voxel_mm=1.0).astype(np.int16), (1.0, 1.0, 1.0), slice_thickness_mm=1.0)
    assert found(volume) == {"contrast-ccta": Severity.NOTE}


def test_findings_of_the_reader_come_first():
    gap = Finding("slices-missing", Severity.WARNING, "A gap.")
    assert check(replace(chest(), reading_findings=(gap,)))[0] is gap


@pytest.mark.parametrize(
    ("severities", "code"),
    [([], 0), ([Severity.NOTE], 0), ([Severity.NOTE, Severity.WARNING], 1), ([Severity.WARNING, Severity.ERROR], 2)],
)
def test_exit_code_is_that_of_the_worst_finding(severities, code):
    findings = [Finding("code", severity, "Message.") for severity in severities]
    assert exit_code(findings) == code
    assert has_errors(findings) is (code == 2)


def test_unknown_modality_is_noted_and_another_one_is_an_error():
    assert found(chest(modality=None))["modality-unknown"] is Severity.NOTE
    assert found(chest(modality="MR"))["modality-not-ct"] is Severity.ERROR


def test_too_few_slices_are_an_error():
    volume = volume_of(chest(400).hu[:15], (SPACING_MM,) * 3)
    assert found(volume)["too-few-slices"] is Severity.ERROR
    assert "too-few-slices" not in found(volume_of(chest(400).hu[:16], (SPACING_MM,) * 3))


def test_very_large_volume_is_warned_about():
    hu = np.broadcast_to(np.int16(0), (1000, 1000, 501))
    assert found(volume_of(hu, (0.3, 0.3, 0.3)))["very-large"] is Severity.WARNING


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        (40, {}),  # of 2.5 mm: 100 mm
        (39, {"field-of-view-small": Severity.WARNING}),
        (16, {"field-of-view-small": Severity.WARNING}),
        (15, {"field-of-view-too-small": Severity.ERROR}),
    ],
)
def test_field_of_view_that_may_cut_the_heart(slices, expected):
    findings = found(volume_of(chest().hu[:slices], (SPACING_MM,) * 3))
    assert {code: findings[code] for code in findings if code.startswith("field")} == expected


@pytest.mark.parametrize(
    ("increment_mm", "code", "severity"),
    [
        (0.5, None, None),
        (1.0, None, None),
        (1.1, "slice-increment-thick", Severity.WARNING),
        (5.0, "slice-increment-thick", Severity.WARNING),
        (5.1, "slice-increment-too-thick", Severity.ERROR),
    ],
)
def test_slice_increment(increment_mm, code, severity):
    findings = found(spaced(chest(), increment_mm, 1.0, 1.0))
    assert {one: findings[one] for one in findings if "increment" in one} == ({code: severity} if code else {})


def test_thick_overlapping_slices_and_gaps_are_warned_about():
    assert found(spaced(chest(slice_thickness_mm=3.0), 1.0, 1.0, 1.0))["slice-thickness-thick"] is Severity.WARNING
    assert found(spaced(chest(slice_thickness_mm=1.0), 3.0, 1.0, 1.0))["slice-gaps"] is Severity.WARNING
    assert "slice-gaps" not in found(spaced(chest(slice_thickness_mm=0.6), 0.5, 0.4, 0.4))


def test_pixels_that_are_not_square_are_noted():
    assert found(spaced(chest(), 1.0, 0.5, 0.4))["pixels-not-square"] is Severity.NOTE
    assert "pixels-not-square" not in found(spaced(chest(), 0.5, 0.4, 0.4))


def test_oblique_volume_is_noted():
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    oblique = directed(chest(), np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]))
    (message,) = [finding.message for finding in check(oblique) if finding.code == "orientation-oblique"]
    assert "20°" in message


def test_coronal_slices_are_warned_about_but_not_axial_ones_stored_in_another_order():
    swapped = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])  # index z runs along the patient's y
    assert found(directed(spaced(chest(), 3.0, 0.5, 0.5), swapped))["orientation-not-axial"] is Severity.WARNING
    assert "orientation-not-axial" not in found(directed(spaced(chest(), 0.5, 3.0, 0.5), swapped))


def test_tube_voltage():
    assert found(chest(kvp=None))["kvp-unknown"] is Severity.NOTE
    assert found(chest(kvp=100.0))["kvp-not-120"] is Severity.WARNING
    assert not [code for code in found(chest()) if code.startswith("kvp")]


def test_constant_volume_is_an_error():
    assert found(volume_of(np.zeros((20, 20, 20), np.int16), (2.5,) * 3))["constant-volume"] is Severity.ERROR


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda hu: hu + 1024, id="stored values without intercept"),
        pytest.param(lambda hu: hu - 1024, id="intercept applied twice"),
        pytest.param(lambda hu: (hu + 1000) / 2000, id="scaled to 0..1"),
        pytest.param(lambda hu: (hu > 0).astype(np.int16), id="label map"),
    ],
)
def test_values_that_are_no_hounsfield_units_are_an_error(change):
    volume = chest()
    assert found(replace(volume, hu=change(volume.hu)))["hu-not-calibrated"] is Severity.ERROR


def test_saturated_values_are_warned_about():
    hu = chest().hu.copy()
    hu[20:24, 30:40, 40:50] = 3071
    assert found(volume_of(hu, (SPACING_MM,) * 3))["hu-saturated"] is Severity.WARNING
    assert "hu-saturated" not in found(chest())


def test_overflowed_values_are_warned_about():
    hu = chest().hu.copy()
    hu[20:23, 30:34, 40:44] = 3000
    hu[20:23, 31:33, 41:43] = -1020
    assert found(volume_of(hu, (SPACING_MM,) * 3))["hu-wrapped"] is Severity.WARNING


def test_metal_with_air_beside_it_has_not_overflowed():
    hu = chest().hu.copy()
    hu[20:28, 30:50, 40:44] = 3000
    hu[20:28, 30:50, 44:60] = -1024
    assert "hu-wrapped" not in found(volume_of(hu, (SPACING_MM,) * 3))


@pytest.mark.parametrize(("blood_hu", "code"), [(45, "contrast-none"), (150, "contrast-weak")])
def test_wrong_contrast_phase_is_warned_about(blood_hu, code):
    assert found(chest(blood_hu))[code] is Severity.WARNING


def test_contrast_that_cannot_be_measured_is_warned_about():
    hu = np.random.default_rng(0).normal(0, 400, (48, 48, 48)).astype(np.int16)
    assert found(volume_of(hu, (SPACING_MM,) * 3))["contrast-unknown"] is Severity.WARNING


def test_real_chest_ct_names_the_weak_phase_and_the_thick_slices():
    findings = check(read_ct(shared_data("chest_ct_contrast")))
    codes = {finding.code: finding.message for finding in findings}
    assert set(codes) == {"slice-increment-thick", "contrast-weak"}
    assert "3 mm apart" in codes["slice-increment-thick"]
    assert exit_code(findings) == 1


def test_real_phantom_is_named_non_contrast_and_its_padding_is_noted():
    codes = found(read_ct(shared_data("qrm_calcium_phantom")))
    assert codes["contrast-none"] is Severity.WARNING
    assert codes["padding-replaced"] is Severity.NOTE
    assert Severity.ERROR not in codes.values()
