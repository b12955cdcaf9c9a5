"""What is said of lesions that a reader should look at first."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.findings import Finding
from cacnet.lesions import Lesion
from cacnet.remarks import remark_on_arteries, remark_on_zero, remarks, remarks_on_result
from cacnet.report import INCONCLUSIVE
from cacnet.vessels import Courses, Place


def lesion(
    number: int,
    vessel: Vessel = Vessel.LAD,
    max_hu: float = 900.0,
    agatston: float = 10.0,
    from_ostium_mm: float | None = 30.0,
) -> Lesion:
    return Lesion(
        id=number,
        vessel=vessel,
        voxels=8,
        mask_volume_mm3=4.0,
        volume_mm3=4.0,
        agatston=agatston,
        mass_mg=1.0,
        max_hu=max_hu,
        mean_hu=600.0,
        slices=2,
        centroid_mm_lps=(0.0, 0.0, 0.0),
        start_zyx=(0, 0, 0),
        stop_zyx=(2, 2, 2),
        place=Place(from_ostium_mm=from_ostium_mm),
    )


def test_nothing_is_said_of_ordinary_lesions() -> None:
    assert remarks([]) == ()
    assert remarks([lesion(1), lesion(2, max_hu=2999.0)]) == ()


def test_lesions_without_an_artery_are_named_with_their_part_of_the_score() -> None:
    (finding,) = remarks([lesion(1, Vessel.UNASSIGNED, agatston=81.7), lesion(2), lesion(3, agatston=32.9)])
    assert finding.code == "lesions-unassigned"
    assert "1 of 3 lesions (number 1; Agatston 81.7 of 124.6)" in finding.message


def test_lesions_as_bright_as_metal_are_named_with_their_part_of_the_score() -> None:
    (finding,) = remarks([lesion(1, max_hu=3000.0), lesion(2), lesion(3, max_hu=3071.0), lesion(4, max_hu=8000.0)])
    assert finding.code == "lesions-as-bright-as-metal"
    assert "3 of 4 lesions (numbers 1, 3 and 4; Agatston 30.0 of 40.0)" in finding.message


def test_lesions_at_the_ostium_are_named_for_they_may_be_the_aortas() -> None:
    (finding,) = remarks([lesion(1, from_ostium_mm=2.0), lesion(2, from_ostium_mm=2.1), lesion(3, from_ostium_mm=None)])
    assert finding.code == "lesions-at-the-ostium"
    assert "1 of 3 lesions (number 1; Agatston 10.0 of 30.0) lies within 2 mm" in finding.message


def test_a_lesion_may_give_rise_to_both_remarks() -> None:
    codes = [finding.code for finding in remarks([lesion(1, Vessel.UNASSIGNED, max_hu=3071.0)])]
    assert codes == ["lesions-unassigned", "lesions-as-bright-as-metal"]


def test_a_long_list_of_numbers_is_cut_short() -> None:
    (finding,) = remarks([lesion(number, Vessel.UNASSIGNED) for number in range(1, 12)])
    assert "numbers 1, 2, 3, 4, 5, 6, 7, 8 and 3 more;" in finding.message


def courses(lm: int, lad: int, lcx: int, rca: int) -> Courses:
    """So many points, a millimetre apart, of each artery, and ten without a name."""
    vessel = np.repeat([*range(1, 6)], [lm, lad, lcx, rca, 10])
    return Courses(np.zeros((len(vessel), 3)), vessel, np.full(len(vessel), np.nan), np.ones(len(vessel)))


@pytest.mark.parametrize("whole", [(0, 40, 60, 40), (10, 30, 60, 40), (5, 300, 0, 40), (8, 150, 120, 300)])
def test_nothing_is_said_of_whole_trees_with_the_left_main_and_the_lcx_named_or_not(whole: tuple[int, ...]) -> None:
    assert remark_on_arteries(courses(*whole), has_score=False) is None


@pytest.mark.parametrize("missing", [(0, 39, 90, 200), (0, 45, 54, 200), (8, 150, 120, 39), (0, 0, 0, 0)])
def test_a_zero_with_an_artery_missing_is_no_finding_and_a_score_may_be_too_low(missing: tuple[int, ...]) -> None:
    without = remark_on_arteries(courses(*missing), has_score=False)
    beside = remark_on_arteries(courses(*missing), has_score=True)
    assert without is not None
    assert beside is not None
    assert without.code in INCONCLUSIVE
    assert "a score of 0 does not mean" in without.message
    assert beside.code not in INCONCLUSIVE
    assert "the score may be too low" in beside.message


def test_what_was_found_of_each_artery_is_told() -> None:
    finding = remark_on_arteries(courses(5, 16, 162, 113), has_score=True)
    assert finding is not None
    assert "about 21 mm of left main and LAD, 162 mm of LCx and 113 mm of RCA" in finding.message


def test_without_centre_lines_nothing_was_recognised() -> None:
    finding = remark_on_arteries(None, has_score=False)
    assert finding is not None
    assert "about 0 mm of left main" in finding.message


def codes(*of: Finding) -> list[str]:
    return [finding.code for finding in of]


def test_a_zero_without_an_artery_is_no_finding_until_a_reader_signs_it() -> None:
    assert codes(*remarks_on_result([], None, any_artery=False)) == ["no-coronary-arteries"]
    signed = codes(*remarks_on_result([], None, any_artery=False, is_approved=True))
    assert signed == ["arteries-incomplete"]
    assert not INCONCLUSIVE & set(signed)


def test_lesions_without_an_artery_do_not_make_a_score_but_one_that_a_reader_assigns_does() -> None:
    unassigned, assigned = lesion(1, Vessel.UNASSIGNED), lesion(1, Vessel.LAD)
    assert codes(*remarks_on_result([unassigned], None, any_artery=False)) == ["no-coronary-arteries"]
    assert not INCONCLUSIVE & set(codes(*remarks_on_result([assigned], None, any_artery=False)))


def test_a_score_of_zero_of_whole_arteries_is_a_finding() -> None:
    assert remarks_on_result([], courses(8, 150, 120, 300), any_artery=True) == ()
    assert codes(*remarks_on_result([], courses(8, 10, 120, 300), any_artery=True)) == ["few-coronary-arteries"]


WHOLE = courses(8, 150, 120, 300)


def test_a_zero_of_which_calcium_was_left_out_says_what_it_would_be() -> None:
    (one,) = remarks_on_result([], WHOLE, any_artery=True, left_out_agatston=[0.0, 12.34])
    assert one.code == "zero-with-calcium-left-out"
    assert "one calcification that would make it 12.3 was found" in one.message
    several = remark_on_zero([10.0, 0.0, 2.5])
    assert several is not None
    assert "2 calcifications that would make it 12.5 were found" in several.message


def test_a_zero_is_not_doubted_for_what_would_add_nothing_nor_a_score_nor_a_signed_zero() -> None:
    assert remarks_on_result([], WHOLE, any_artery=True, left_out_agatston=[0.0]) == ()
    assert remarks_on_result([lesion(1)], WHOLE, any_artery=True, left_out_agatston=[12.0]) == ()
    assert remarks_on_result([], WHOLE, any_artery=True, is_approved=True, left_out_agatston=[12.0]) == ()
