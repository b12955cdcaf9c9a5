"""The table of an evaluation that a reader can cite: Markdown for a file, plain text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cacnet.anatomy import NAMED_VESSELS
from cacnet.evaluation.case import ANY_VESSEL, LEFT_MAIN_AND_LAD, TOTAL, CaseResult
from cacnet.evaluation.estimates import Estimate
from cacnet.evaluation.evaluate import Evaluation, Failure
from cacnet.evaluation.figures import CATEGORIES, Figures
from cacnet.evaluation.lesion_matching import LesionCounts
from cacnet.evaluation.strata import FIGURES, strata
from cacnet.report import RESEARCH_USE, counted

SIMULATED = "Measured on simulated CCTA only. The figures say nothing about accuracy on patients."
FEW_PATIENTS = 20
DEFINITIONS = """\
Every scan goes through the whole chain that a user's scan goes through. Intervals are 95 %: percentile bootstrap over
patients with a fixed seed, Wilson's for shares of patients. n is the number of patients a figure comes from.

- Voxels: SE = TP/(TP+FN), PE = TP/(TP+FP), Dice = 2TP/(2TP+FP+FN); means over patients.
- Lesions follow orCaScore (10.1118/1.4945696): 6-connected voxels above 130 HU. A true lesion is found if any voxel of
  it is, and a found lesion is right if any voxel of it is true. Arteries are told apart only in the table by artery.
- True scores are those of the true calcium by the same protocol, with the threshold measured in the true lumen.
- The ideal scan without contrast is the simulated patient's calcium at 120 kVp in 3 mm slices, without noise or motion.
- ICC is ICC(2,1): two-way random effects, absolute agreement, single measurement. Differences are found − true; limits
  of agreement are bias ± 1.96 SD. Kappa is linearly weighted, over the Agatston categories 0, 1–10, 11–100, 101–400,
  >400.
- No interval: fewer than three patients, or the same value whichever patients are drawn."""


@dataclass(frozen=True)
class Row:
    """One headline figure: a key for programs, words for readers, and how many decimals to show."""

    key: str
    label: str
    estimate: Estimate
    decimals: int = 2


def headline(figures: Figures) -> tuple[Row, ...]:
    """The figures that the summary shows, in reading order."""
    return (*_voxel_rows(figures), *_lesion_rows(figures), *_patient_rows(figures), *_score_rows(figures))


def outcome_line(done: int, of: int, outcome: CaseResult | Failure) -> str:
    """One line about a case that is done."""
    start = f"[{done}/{of}] {outcome.case}: "
    if isinstance(outcome, Failure):
        return f"{start}FAILED: {outcome.message}"
    score = "no score" if outcome.found_scores is None else f"{outcome.found_scores[TOTAL].agatston:.0f}"
    if outcome.calcium is None or outcome.true_scores is None:
        return f"{start}calcium not labelled, Agatston {score}, {outcome.seconds:.0f} s"
    dice = "no calcium, none found" if outcome.calcium.dice is None else f"calcium Dice {outcome.calcium.dice:.2f}"
    counts = outcome.lesion_counts[ANY_VESSEL]["all"]
    return (
        f"{start}{dice}, lesions {counts.true_found} of {counts.true}, "
        f"{counted(counts.false_positives, 'false positive')}, "
        f"Agatston {score} (true {outcome.true_scores[TOTAL].agatston:.0f}), {outcome.seconds:.0f} s"
    )


def plain_table(evaluation: Evaluation, figures: Figures) -> str:
    """The headline for a terminal."""
    rows = headline(figures)
    width = max(len(row.label) for row in rows)
    lines = [f"{row.label:{width}}  {row.estimate.text(row.decimals)}{_n(row.estimate)}" for row in rows]
    return "\n".join([*lines, *_remarks(evaluation)])


def markdown(evaluation: Evaluation, figures: Figures) -> str:
    """The whole summary as Markdown."""
    card = evaluation.card
    weights = card.weights.sha256[:12] if card.weights else "none"
    cases = counted(len(evaluation.cases), "case")
    protocols = ", ".join(sorted({case.protocol for case in evaluation.cases}))
    table = [
        [row.label, _cell(row.estimate, row.decimals), str(row.estimate.n) if row.estimate.n else "–"]
        for row in headline(figures)
    ]
    parts = [
        f"# Evaluation of {card.id}",
        "\n".join(f"> {line}" for line in _remarks(evaluation)),
        f"Model `{card.id}` (weights sha256 `{weights}…`) on {evaluation.dataset.description}: {cases}, scoring "
        f"protocol `{protocols}`, {evaluation.device}. Model card: {card.statement}",
        _markdown_table(["Figure", "Value (95 % interval)", "n"], table),
        "## Lesions by artery\n\nA found lesion counts for the artery that it was given, so a wrong name is a miss in "
        "one artery and a false positive in another. LM+LAD is orCaScore's LAD.",
        _vessel_table(figures),
        "## Agatston categories\n\nPatients by true (rows) and found (columns) category.",
        _risk_table(figures),
        *_strata_part(evaluation),
        *_false_positive_part(figures),
        *_failure_part(evaluation),
        f"## Definitions\n\n{DEFINITIONS}",
    ]
    return "\n\n".join(parts) + "\n"


def statements(evaluation: Evaluation) -> tuple[str, ...]:
    """What must stand beside every figure."""
    simulated = sum(case.origin.simulated for case in evaluation.cases)
    of = len(evaluation.cases)
    if simulated == of:
        return SIMULATED, RESEARCH_USE
    return (f"{simulated} of {counted(of, 'case')} are simulated.", RESEARCH_USE) if simulated else (RESEARCH_USE,)


def _voxel_rows(figures: Figures) -> tuple[Row, ...]:
    v = figures.voxels
    names = (("Dice", "dice"), ("SE", "se"), ("PE", "pe"))
    groups = (("Calcium", "calcium"), ("Calcium before post-processing,", "calcium_before"), ("Coronary", "coronary"))
    return tuple(
        Row(f"{group}_{key}", f"{text} {name}", v[f"{group}_{key}"]) for text, group in groups for name, key in names
    )


def _lesion_rows(figures: Figures) -> tuple[Row, ...]:
    names = (
        ("sensitivity", "sensitivity"),
        ("PPV", "ppv"),
        ("F1", "f1"),
        ("false positives per scan", "false_positives_per_scan"),
    )
    rows = [
        Row(f"lesion_{key}_{rule}", f"{text}, {name}", figures.lesions[rule][ANY_VESSEL][key])
        for rule, text in (("all", "Lesions of any size"), ("visible", "Lesions of at least 1 mm³"))
        for name, key in names
    ]
    by_volume = figures.lesions["all"][ANY_VESSEL]["f1_by_volume"]
    return (
        *rows,
        Row("lesion_f1_by_volume", "Lesions, F1 by volume", by_volume),
        Row("named_lesions", "Found lesions given the right artery", figures.naming["lesions"]),
        Row("named_voxels", "Found coronary voxels given the right artery", figures.naming["coronary_voxels"]),
    )


def _patient_rows(figures: Figures) -> tuple[Row, ...]:
    d = figures.detection
    return (
        Row("patients_with_calcium_found", "Patients with calcium: any found (sensitivity)", d["sensitivity"]),
        Row("patients_without_calcium_cleared", "Patients without calcium: none found (specificity)", d["specificity"]),
        Row("zero_scored_zero", "Patients with a true score of 0: scored exactly 0", d["zero_scored_zero"]),
        Row("scored", "Patients whose arteries were recognised, so that a score is given", d["scored"]),
    )


def _score_rows(figures: Figures) -> tuple[Row, ...]:
    rows: list[Row] = []
    for quantity, name in (("agatston", "Agatston"), ("volume_mm3", "Volume"), ("mass_mg", "Mass")):
        a = figures.scores[quantity][TOTAL]
        rows += [
            Row(f"{quantity}_icc", f"{name}, ICC(2,1)", a.icc),
            Row(f"{quantity}_icc_f", f"{name}, ICC(2,1), F interval", a.icc_f_interval),
            Row(f"{quantity}_pearson", f"{name}, Pearson r", a.pearson),
            Row(f"{quantity}_spearman", f"{name}, Spearman ρ", a.spearman),
            Row(f"{quantity}_bias", f"{name}, bias", a.bias, 1),
            Row(f"{quantity}_lower_limit", f"{name}, lower limit of agreement", a.lower_limit, 1),
            Row(f"{quantity}_upper_limit", f"{name}, upper limit of agreement", a.upper_limit, 1),
        ]
    ideal = figures.against_scan_without_contrast
    return (
        *rows,
        Row("without_contrast_icc", "Agatston against an ideal scan without contrast, ICC(2,1)", ideal.icc),
        Row("without_contrast_spearman", "Agatston against an ideal scan without contrast, Spearman ρ", ideal.spearman),
        Row("without_contrast_bias", "Agatston against an ideal scan without contrast, bias", ideal.bias, 1),
        Row("risk_kappa", "Risk category, weighted kappa", figures.risk["weighted_kappa"]),
        Row("risk_same", "Risk category, same", figures.risk["same_category"]),
        Row("seconds", "Time per scan", figures.seconds, 0),
    )


def _remarks(evaluation: Evaluation) -> list[str]:
    remarks = list(statements(evaluation))
    if evaluation.training_seeds:
        n = len(evaluation.training_seeds)
        remarks.append(f"{counted(n, 'patient')} of these may have been trained on: the figures are not accuracy.")
    remarks += _not_labelled(evaluation.cases)
    if len(evaluation.cases) < FEW_PATIENTS:
        remarks.append(
            f"With only {counted(len(evaluation.cases), 'patient')} the intervals are rough, and too narrow."
        )
    if evaluation.failures:
        remarks.append(f"Without {counted(len(evaluation.failures), 'case')} that failed.")
    return remarks


def _not_labelled(cases: Sequence[CaseResult]) -> list[str]:
    """What is left out because nobody labelled it: unknown, not empty."""
    of = counted(len(cases), "case")
    names = ("calcium", "coronary arteries", "names of the arteries")
    known = zip(*((c.calcium, c.coronary, c.named_voxels or c.named_lesions) for c in cases), strict=True)
    missing = {name: sum(value is None for value in values) for name, values in zip(names, known, strict=True)}
    return [
        f"{number} of {of} do not label the {name}: unknown, not absent, so every figure that needs it leaves them out."
        for name, number in missing.items()
        if number
    ]


def _vessel_table(figures: Figures) -> str:
    scopes = [ANY_VESSEL, *(vessel.label for vessel in NAMED_VESSELS), LEFT_MAIN_AND_LAD]
    totals = figures.lesion_totals["all"]
    rows = []
    for scope in scopes:
        lesions = figures.lesions["all"][scope]
        cells = [lesions[key].brief() for key in ("sensitivity", "ppv", "f1", "false_positives_per_scan")]
        volume = figures.scores["volume_mm3"].get(TOTAL if scope == ANY_VESSEL else scope)
        bias = "–" if volume is None else volume.bias.brief(1)
        rows.append([scope, _found_of_true(totals.get(scope)), *cells, bias])
    head = ["Artery", "Found / true lesions", "Sensitivity", "PPV", "F1", "False positives per scan", "Volume bias"]
    return _markdown_table(head, rows)


def _found_of_true(counts: LesionCounts | None) -> str:
    return "–" if counts is None else f"{counts.true_found} / {counts.true}"


def _risk_table(figures: Figures) -> str:
    rows = [[name.value, *map(str, row)] for name, row in zip(CATEGORIES, figures.risk_table, strict=True)]
    return _markdown_table(["True ↓ found →", *(category.value for category in CATEGORIES)], rows)


def _strata_part(evaluation: Evaluation) -> list[str]:
    rows = [
        [f"{s.trait}: {s.group}", f"{s.patients}, {s.with_calcium}", *(s.figures[key].brief() for key in FIGURES)]
        for s in strata(evaluation.cases)
    ]
    return [
        "## By what makes a scan hard\n\nThe groups are fixed for every evaluation. Motion is the longest way that a "
        "coronary artery goes during the scan. What the truth does not tell is left out.",
        _markdown_table(["Group", "Patients, with calcium", *FIGURES.values()], rows),
    ]


def _false_positive_part(figures: Figures) -> list[str]:
    if not figures.false_positives_on:
        return []
    rows = [[name, str(number)] for name, number in figures.false_positives_on.items()]
    return ["## What false-positive lesions lie on", _markdown_table(["Structure", "Lesions"], rows)]


def _failure_part(evaluation: Evaluation) -> list[str]:
    if not evaluation.failures:
        return []
    return ["## Cases that failed", "\n".join(f"- `{f.case}`: {f.message}" for f in evaluation.failures)]


def _cell(estimate: Estimate, decimals: int = 2) -> str:
    return estimate.text(decimals).replace("|", "/")


def _n(estimate: Estimate) -> str:
    return f", n = {estimate.n}" if estimate.value is not None else ""


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
