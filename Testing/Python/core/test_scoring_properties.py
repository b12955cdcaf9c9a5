"""What must hold for the score of any lesion, however its array lies: found by random lesions (hypothesis)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cacnet.lesions import find_lesions
from cacnet.scoring import PROTOCOLS, resolve, score_lesion, total
from cacnet.volume import Geometry
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

RULES = {name: resolve(PROTOCOLS[name], 300.0, 20.0, 120.0) for name in ("literature", "orcascore", "ccta-adaptive")}
LITERATURE = RULES["literature"]

hu_of_scans = arrays.arrays(
    np.int16, (4, 6, 6), elements=st.sampled_from([-80, 100, 129, 130, 199, 200, 350, 450, 900])
)
spacings = st.tuples(
    st.sampled_from([0.5, 0.625, 1.5, 3.0]), st.sampled_from([0.3, 0.5, 0.9]), st.sampled_from([0.3, 0.5])
)
rules = st.sampled_from(sorted(RULES))


def grid(shape: tuple[int, ...], spacing: tuple[float, float, float]) -> Geometry:
    return Geometry((shape[0], shape[1], shape[2]), spacing, (10.0, -20.0, 30.0))


def same(first, second) -> bool:
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return all(a == pytest.approx(b, rel=1e-9, abs=1e-9) for a, b in pairs)


@settings(max_examples=60, deadline=None)
@given(hu_of_scans, spacings, rules, st.sampled_from([(1,), (2,), (1, 2)]))
def test_mirroring_in_the_slice_changes_no_score(hu, spacing, name, axes) -> None:
    geometry = grid(hu.shape, spacing)
    mirrored = np.flip(hu, axes)
    assert same(
        score_lesion(hu > 0, hu, geometry, RULES[name]), score_lesion(mirrored > 0, mirrored, geometry, RULES[name])
    )


@settings(max_examples=60, deadline=None)
@given(hu_of_scans, spacings, rules)
def test_an_array_stored_on_its_side_scores_the_same(hu, spacing, name) -> None:
    """The axes swapped, and the direction with them: the slices are still those across the patient's long axis."""
    turned = np.moveaxis(hu, 0, 2)  # (y, x, z)
    direction = (0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0)  # index x runs to the head, y to the left, z to the back
    sideways = Geometry(turned.shape, (spacing[1], spacing[2], spacing[0]), (0.0, 0.0, 0.0), direction)
    upright = score_lesion(hu > 0, hu, grid(hu.shape, spacing), RULES[name])
    assert same(upright, score_lesion(turned > 0, turned, sideways, RULES[name]))


@settings(max_examples=60, deadline=None)
@given(hu_of_scans, spacings, rules, st.tuples(*[st.integers(0, 3)] * 6))
def test_more_surroundings_change_no_score(hu, spacing, name, margins) -> None:
    wider = np.pad(hu, [margins[0:2], margins[2:4], margins[4:6]], constant_values=-80)
    inside, outside = (score_lesion(array > 0, array, grid(array.shape, spacing), RULES[name]) for array in (hu, wider))
    assert same(inside, outside)


@settings(max_examples=60, deadline=None)
@given(hu_of_scans, spacings)
def test_the_score_is_proportional_to_the_distance_between_slices(hu, spacing) -> None:
    thin = score_lesion(hu > 0, hu, grid(hu.shape, spacing), LITERATURE)
    thick = score_lesion(hu > 0, hu, grid(hu.shape, (2 * spacing[0], *spacing[1:])), LITERATURE)
    assert thick.agatston == pytest.approx(2 * thin.agatston)
    assert thick.volume_mm3 == pytest.approx(2 * thin.volume_mm3)


@settings(max_examples=60, deadline=None)
@given(hu_of_scans, spacings)
def test_a_wider_mask_of_darker_voxels_changes_no_score(hu, spacing) -> None:
    geometry = grid(hu.shape, spacing)
    everything = np.ones(hu.shape, bool)
    assert same(score_lesion(hu >= 130, hu, geometry, LITERATURE), score_lesion(everything, hu, geometry, LITERATURE))


@settings(max_examples=60, deadline=None)
@given(hu_of_scans, spacings)
def test_lesions_add_up_to_the_score_of_all_their_voxels(hu, spacing) -> None:
    """26-connected lesions never share an island, so scoring them one by one loses nothing."""
    geometry = grid(hu.shape, spacing)
    lesions = find_lesions((hu >= 130).astype(np.uint8) * np.uint8(2), hu, geometry, LITERATURE).lesions
    whole = score_lesion(hu >= 130, hu, geometry, LITERATURE)
    assert total(lesions).agatston == pytest.approx(whole.agatston)
    assert total(lesions).volume_mm3 == pytest.approx(whole.volume_mm3)
    assert total(lesions).mass_mg == pytest.approx(whole.mass_mg)


@settings(max_examples=60, deadline=None)
@given(hu_of_scans, spacings, st.integers(0, 60))
def test_a_lower_threshold_never_scores_less_volume(hu, spacing, lower_by) -> None:
    geometry = grid(hu.shape, spacing)
    lower = replace(LITERATURE, threshold_hu=LITERATURE.threshold_hu - lower_by)
    assert (
        score_lesion(hu > 0, hu, geometry, lower).volume_mm3
        >= score_lesion(hu > 0, hu, geometry, LITERATURE).volume_mm3
    )
