"""What a reader of the summary is told."""

import dataclasses
from pathlib import Path

import pytest
from cacnet.evaluation.dataset import Dataset
from cacnet.evaluation.evaluate import Evaluation, Failure
from cacnet.evaluation.figures import compute_figures
from cacnet.evaluation.summary import headline, markdown, outcome_line, plain_table
from cacnet.evaluation.truth import Origin
from cacnet.weights import read_card
from evaluation_cases import case_result, without_calcium, without_true_arteries, without_true_calcium


@pytest.fixture
def evaluation(tiny_bundle: Path) -> Evaluation:
    cases = (case_result("a", 12.0, 10.0), case_result("b", 30.0, 35.0), without_calcium("c"))
    return Evaluation(read_card(tiny_bundle), Dataset("three cases", ()), None, "CPU", (), cases, ())


def test_every_figure_stands_with_its_interval_and_n(evaluation: Evaluation) -> None:
    figures = compute_figures(evaluation.cases)
    text = markdown(evaluation, figures)
    assert "| Calcium Dice | 0.75 (no interval): 2 patients | 2 |" in text
    assert "| Coronary Dice | 0.80 (no interval): no bootstrap sample differs | 3 |" in text
    assert "| Patients without calcium: none found (specificity) | 1.00 (0.21 to 1.00) | 1 |" in text
    for row in headline(figures):
        assert f"| {row.label} | " in text
    assert "| LAD | 2 / 2 |" in text


def test_a_figure_that_is_not_defined_says_why(evaluation: Evaluation) -> None:
    all_alike = dataclasses.replace(evaluation, cases=evaluation.cases[:1])
    text = markdown(all_alike, compute_figures(all_alike.cases))
    assert "| Agatston, ICC(2,1) | not defined: 1 patient, at least 3 needed | 1 |" in text
    assert "not defined: no patient without calcium | – |" in text
    assert "nan" not in text.lower()


def test_simulation_research_use_and_few_patients_stand_first(evaluation: Evaluation) -> None:
    text = plain_table(evaluation, compute_figures(evaluation.cases))
    assert "Measured on simulated CCTA only. The figures say nothing about accuracy on patients." in text
    assert "Research use only, not for diagnosis." in text
    assert "With only 3 patients the intervals are rough" in text


def test_the_summary_tells_the_figures_by_what_makes_a_scan_hard(evaluation: Evaluation) -> None:
    text = markdown(evaluation, compute_figures(evaluation.cases))
    row = next(line for line in text.splitlines() if line.startswith("| Motion of an artery: below 0.5 mm |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:3] == ["3, 2", "0.75 (no interval)"]
    assert "| True Agatston score: 0 | 1, 0 | not defined |" in text


def test_a_mixture_of_real_and_simulated_cases_is_told(evaluation: Evaluation) -> None:
    first, *rest = evaluation.cases
    mixed = dataclasses.replace(evaluation, cases=(dataclasses.replace(first, origin=Origin()), *rest))
    assert "2 of 3 cases are simulated." in markdown(mixed, compute_figures(mixed.cases))
    real = tuple(dataclasses.replace(case, origin=Origin()) for case in evaluation.cases)
    assert "Measured on simulated" not in plain_table(
        dataclasses.replace(evaluation, cases=real), compute_figures(real)
    )


def test_training_patients_and_failures_are_told(evaluation: Evaluation) -> None:
    told = dataclasses.replace(evaluation, training_seeds=(1000,), failures=(Failure("d", "The CT is constant."),))
    text = markdown(told, compute_figures(told.cases))
    assert "1 patient of these may have been trained on: the figures are not accuracy." in text
    assert "Without 1 case that failed." in text
    assert "- `d`: The CT is constant." in text


def test_each_case_has_a_line() -> None:
    assert outcome_line(1, 3, case_result("a")) == (
        "[1/3] a: calcium Dice 0.75, lesions 1 of 1, 0 false positives, Agatston 12 (true 10), 20 s"
    )
    assert "no calcium, none found" in outcome_line(2, 3, without_calcium())
    assert "Agatston no score (true 0)" in outcome_line(2, 3, without_calcium(found=None))
    assert outcome_line(3, 3, Failure("c", "No CT.")) == "[3/3] c: FAILED: No CT."


def test_what_nobody_labelled_is_said_to_be_left_out(evaluation: Evaluation) -> None:
    partly = dataclasses.replace(
        evaluation, cases=(*evaluation.cases, without_true_calcium("d"), without_true_arteries("e"))
    )
    text = markdown(partly, compute_figures(partly.cases))
    assert "> 1 of 5 cases do not label the calcium: unknown, not absent" in text
    assert "> 1 of 5 cases do not label the coronary arteries: unknown, not absent" in text
    assert "names of the arteries" not in text
    assert "do not label" not in markdown(evaluation, compute_figures(evaluation.cases))


def test_the_line_of_a_case_without_labelled_calcium_says_so() -> None:
    assert "calcium not labelled, Agatston 12, 20 s" in outcome_line(1, 2, without_true_calcium())
