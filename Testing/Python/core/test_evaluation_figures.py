"""The figures of a handful of cases, counted by hand, with every figure that a small set leaves undefined."""

import dataclasses

import pytest
from cacnet.evaluation.case import Naming
from cacnet.evaluation.figures import compute_figures, f1, paired_scores
from cacnet.evaluation.lesion_matching import LesionCounts
from cacnet.evaluation.metrics import Overlap
from cacnet.evaluation.truth import Origin
from evaluation_cases import (
    case_result,
    lesion,
    without_calcium,
    without_names,
    without_true_arteries,
    without_true_calcium,
)


def counts(true: int, true_found: int, found: int, right: int) -> LesionCounts:
    return LesionCounts(true, true_found, found, right, 2.0 * true, 1.0 * true_found, 2.0 * found, 1.0 * right)


def with_counts(case: str, everywhere: LesionCounts):
    base = case_result(case)
    return dataclasses.replace(
        base, lesion_counts={scope: dict.fromkeys(rules, everywhere) for scope, rules in base.lesion_counts.items()}
    )


def test_dice_is_a_mean_over_patients_and_pooled_over_voxels() -> None:
    cases = [case_result("a", calcium=Overlap(1, 0, 0)), case_result("b", calcium=Overlap(0, 10, 8))]
    voxels = compute_figures(cases).voxels
    assert voxels["calcium_dice"].value == pytest.approx(0.5)
    assert voxels["calcium_dice_pooled"].value == pytest.approx(2 / 20)
    assert voxels["calcium_se"].value == pytest.approx(0.5)
    assert voxels["calcium_before_pe"].value == pytest.approx(0.5)
    assert voxels["coronary_dice"].value == pytest.approx(0.8)


def test_lesion_figures_are_pooled_over_patients() -> None:
    cases = [with_counts("a", counts(4, 2, 3, 2)), with_counts("b", counts(1, 1, 5, 1))]
    lesions = compute_figures(cases).lesions["all"]["LAD"]
    assert lesions["sensitivity"].value == pytest.approx(3 / 5)
    assert lesions["ppv"].value == pytest.approx(3 / 8)
    assert lesions["f1"].value == pytest.approx(2 * (3 / 5) * (3 / 8) / (3 / 5 + 3 / 8))
    assert lesions["false_positives_per_scan"].value == pytest.approx((1 + 4) / 2)
    assert lesions["sensitivity_by_volume"].value == pytest.approx(3 / 10)
    assert lesions["ppv_by_volume"].value == pytest.approx(3 / 16)
    assert lesions["f1_by_volume"].value == pytest.approx(2 * (3 / 10) * (3 / 16) / (3 / 10 + 3 / 16))


def test_lesion_totals_are_sums() -> None:
    totals = compute_figures([with_counts("a", counts(4, 2, 3, 2)), with_counts("b", counts(1, 1, 5, 1))]).lesion_totals
    assert totals["all"]["any"] == counts(5, 3, 8, 3)


def test_f1_is_zero_where_one_side_alone_has_lesions_and_undefined_where_none_has() -> None:
    assert f1([0], [3], [0], [0]).value == 0
    assert f1([0], [0], [0], [2]).value == 0
    assert f1([0], [0], [0], [0]).note == "no lesion, neither true nor found"


def test_patients_without_calcium_leave_calcium_figures_undefined_with_a_reason() -> None:
    figures = compute_figures([without_calcium("a"), without_calcium("b")])
    assert figures.voxels["calcium_dice"].note == "no patient has calcium, and none was found"
    assert figures.voxels["calcium_se"].note == "no patient has calcium"
    assert figures.voxels["calcium_pe"].note == "no calcium was found in any patient"
    assert figures.lesions["all"]["any"]["sensitivity"].note == "no true lesion"
    assert figures.lesions["all"]["any"]["ppv"].note == "no lesion was found"
    assert figures.lesions["all"]["any"]["false_positives_per_scan"].value == 0
    assert figures.detection["sensitivity"].note == "no patient has calcium"
    assert figures.naming["lesions"].note == "nothing was found that could be named"
    assert figures.voxels["coronary_dice"].value == pytest.approx(0.8)


def test_without_a_patient_free_of_calcium_specificity_is_undefined() -> None:
    detection = compute_figures([case_result("a"), case_result("b")]).detection
    assert detection["specificity"].note == "no patient without calcium"
    assert detection["zero_scored_zero"].note == "no patient with a true Agatston score of 0"
    assert detection["sensitivity"].value == 1


def test_detection_counts_patients() -> None:
    missed = case_result("missed", 0.0, calcium=Overlap(0, 0, 5))
    cases = [case_result("hit"), missed, without_calcium("clear"), without_calcium("false", found=7.0)]
    detection = compute_figures(cases).detection
    assert detection["sensitivity"].value == pytest.approx(1 / 2)
    assert detection["specificity"].value == pytest.approx(1 / 2)
    assert detection["zero_scored_zero"].value == pytest.approx(1 / 2)
    assert detection["scored"].value == 1


def test_a_case_without_arteries_neither_clears_a_patient_nor_enters_the_scores() -> None:
    blind = without_calcium("blind", found=None)
    figures = compute_figures([blind, case_result("a"), case_result("b", 30.0, 20.0), case_result("c", 1.0, 1.0)])
    assert figures.detection["specificity"].value == 0
    assert figures.detection["zero_scored_zero"].value == 0
    assert figures.detection["scored"].value == pytest.approx(3 / 4)
    assert figures.scores["agatston"]["total"].bias.value == pytest.approx((2 + 10 + 0) / 3)
    assert figures.scores["agatston"]["total"].bias.n == 3
    assert sum(map(sum, figures.risk_table)) == 3


def test_scores_are_compared_by_artery_too() -> None:
    cases = [case_result(name, found, 10.0) for name, found in (("a", 12.0), ("b", 14.0), ("c", 16.0))]
    scores = compute_figures(cases).scores
    assert scores["volume_mm3"]["LAD"].bias.value == pytest.approx(2)
    assert scores["volume_mm3"]["RCA"].bias.value == 0
    assert scores["volume_mm3"]["RCA"].icc.note == "all values are equal"
    assert scores["agatston"]["total"].pearson.note == "all true values are equal"


def test_scores_are_compared_with_the_scan_without_contrast_where_it_is_known() -> None:
    known = [case_result(name, found) for name, found in (("a", 12.0), ("b", 14.0), ("c", 16.0))]
    unknown = case_result("d", origin=Origin(True, 9101))
    figures = compute_figures([*known, unknown])
    assert figures.against_scan_without_contrast.bias.value == pytest.approx(14 - 20)
    assert figures.against_scan_without_contrast.bias.n == 3
    assert compute_figures([unknown]).against_scan_without_contrast.bias.note == "no patient has both scores"


def test_a_truth_without_names_says_nothing_of_arteries() -> None:
    cases = [without_names("a"), without_names("b")]
    figures = compute_figures(cases)
    assert figures.lesions["all"]["LAD"]["sensitivity"].note == "the truth names no arteries"
    assert figures.lesions["all"]["any"]["sensitivity"].value == 1
    assert figures.naming["coronary_voxels"].note == "the truth names no arteries"
    assert "LAD" not in figures.lesion_totals["all"]
    assert paired_scores(cases, "agatston", "LAD") == ([None, None], [None, None])
    assert paired_scores(cases, "agatston") == ([12.0, 12.0], [10.0, 10.0])


def test_unnamed_cases_are_left_out_beside_named_ones() -> None:
    figures = compute_figures([without_names("a"), case_result("b", named_voxels=Naming(6, 8))])
    assert figures.naming["coronary_voxels"].value == pytest.approx(6 / 8)
    assert figures.lesions["all"]["LAD"]["false_positives_per_scan"].n == 1


def test_risk_categories_make_a_table_and_a_kappa() -> None:
    cases = [
        case_result("same", 12.0, 50.0),
        case_result("lower", 9.0, 50.0),
        case_result("higher", 500.0, 300.0),
        without_calcium("zero"),
    ]
    figures = compute_figures(cases)
    assert figures.risk_table == (
        (1, 0, 0, 0, 0),
        (0, 0, 0, 0, 0),
        (0, 1, 1, 0, 0),
        (0, 0, 0, 0, 1),
        (0, 0, 0, 0, 0),
    )
    assert figures.risk["same_category"].value == pytest.approx(2 / 4)
    # Observed distance 2/4. Found 2, 1, 4, 0 against true 2, 2, 3, 0: the 16 distances sum to 3 + 5 + 9 + 7.
    assert figures.risk["weighted_kappa"].value == pytest.approx(1 - (2 / 4) / (24 / 16))


def test_false_positives_are_counted_by_what_they_lie_on() -> None:
    rows = tuple(lesion("found", number=n, partners=(), lies_on=on) for n, on in enumerate(("bone", "valve", "bone")))
    assert compute_figures([case_result(lesions=(*rows, lesion("found")))]).false_positives_on == {
        "bone": 2,
        "valve": 1,
    }


def test_one_case_has_values_without_intervals() -> None:
    figures = compute_figures([case_result()])
    assert figures.voxels["calcium_dice"].value == pytest.approx(0.75)
    assert figures.voxels["calcium_dice"].low is None
    assert figures.scores["agatston"]["total"].icc.note == "1 patient, at least 3 needed"
    assert figures.risk["weighted_kappa"].note == "1 patient, at least 3 needed"


def test_cases_without_labels_of_calcium_are_left_out_of_what_needs_them() -> None:
    figures = compute_figures([case_result("a"), without_true_calcium("b")])
    assert figures.voxels["calcium_dice"].n == 1
    assert figures.voxels["coronary_dice"].n == 2
    assert figures.detection["sensitivity"].n == 1
    assert figures.scores["agatston"]["total"].bias.n == 1
    assert sum(map(sum, figures.risk_table)) == 1


def test_figures_that_no_case_is_labelled_for_say_so() -> None:
    figures = compute_figures([without_true_calcium("a"), without_true_calcium("b")])
    for undefined in (figures.voxels["calcium_dice"], figures.lesions["all"]["any"]["sensitivity"]):
        assert undefined.value is None
        assert undefined.note == "the truth does not label it in any case"
    assert compute_figures([without_true_arteries()]).voxels["coronary_dice"].value is None


def test_scores_by_artery_need_no_label_of_the_whole_arteries() -> None:
    found, true = paired_scores([without_true_arteries()], "agatston", "LAD")
    assert (found, true) == ([12.0], [10.0])
