"""What is written of a result: every figure in the table and the report comes from the lesions, and says so plainly."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cacnet.findings import Finding, Severity
from cacnet.lesions import find_lesions
from cacnet.report import (
    LESION_COLUMNS,
    ModelStatement,
    Scores,
    counted,
    counted_lesions,
    report_document,
    write_lesions_csv,
    write_report_json,
)
from cacnet.scoring import protocol_named, resolve
from cacnet.volume import Acquisition, Geometry, Volume


def two_lesions() -> tuple[Volume, Scores]:
    """0.5 × 0.5 mm pixels, 3 mm slices: 4 × 4 of 250 HU in the LAD (Agatston 8), 2 × 2 of 450 HU in the RCA (4)."""
    hu = np.zeros((3, 12, 12), np.int16)
    labels = np.zeros(hu.shape, np.uint8)
    hu[1, 1:5, 1:5], labels[1, 1:5, 1:5] = 250, 2
    hu[1, 8:10, 8:10], labels[1, 8:10, 8:10] = 450, 4
    acquisition = Acquisition("CT", 120.0, patient_age_years=55, patient_sex="M")
    volume = Volume(hu, Geometry(hu.shape, (3.0, 0.5, 0.5)), acquisition, "case.nrrd")
    resolved = resolve(protocol_named("literature"), 45.0, 10.0, 120.0)
    finding = Finding("contrast-none", Severity.WARNING, "No contrast.")
    lesions = find_lesions(labels, hu, volume.geometry, resolved)
    return volume, Scores(lesions, resolved, (finding,), ModelStatement(), (("read", 0.1234567),), 55, "M")


def test_the_table_has_one_row_per_lesion_in_their_order(tmp_path: Path) -> None:
    _, scores = two_lesions()
    write_lesions_csv(tmp_path / "lesions.csv", scores.lesions.lesions)
    with (tmp_path / "lesions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == LESION_COLUMNS
    assert [(row["id"], row["vessel"], float(row["agatston"])) for row in rows] == [
        ("1", "LAD", 8.0),
        ("2", "RCA", 4.0),
    ]
    # 16 voxels of 0.75 mm³; centre at index (1, 2.5, 2.5), so LPS (1.25, 1.25, 3) and RAS (−1.25, −1.25, 3).
    assert float(rows[0]["volume_mm3"]) == 12.0
    assert (float(rows[0]["r"]), float(rows[0]["a"]), float(rows[0]["s"])) == (-1.25, -1.25, 3.0)


def test_an_empty_result_still_has_its_header(tmp_path: Path) -> None:
    write_lesions_csv(tmp_path / "lesions.csv", ())
    assert (tmp_path / "lesions.csv").read_text().strip() == ",".join(LESION_COLUMNS)


def test_the_report_sums_lesions_and_names_rules_and_input() -> None:
    document = report_document(*two_lesions())
    assert document["totals"]["agatston"] == pytest.approx(12.0)
    assert document["totals"]["lesions"] == 2
    assert document["totals"]["vessels"] == 2
    assert document["totals"]["category"] == "11–100"
    assert document["totals"]["cac_drs"] == "A1/N2"
    assert document["per_vessel"]["LAD"]["agatston"] == pytest.approx(8.0)
    assert document["per_vessel"]["LM"]["lesions"] == 0
    assert document["protocol"]["name"] == "literature"
    assert document["protocol"]["threshold_hu"] == 130
    assert document["protocol"]["increment_mm"] == 3.0
    assert document["acquisition"]["spacing_mm_xyz"] == [0.5, 0.5, 3.0]
    assert document["findings"] == [{"code": "contrast-none", "severity": "warning", "message": "No contrast."}]


def test_the_percentile_is_given_only_where_age_and_sex_are_known() -> None:
    volume, scores = two_lesions()
    # Hoff 2001, men of 55–59: 4/48/215/554, and 12 lies between the 25th and the 50th.
    assert report_document(volume, scores)["totals"]["percentile"]["bracket"] == "25th–50th"
    unknown = Scores(scores.lesions, scores.resolved)
    assert report_document(volume, unknown)["totals"]["percentile"] is None


def test_the_report_holds_neither_age_nor_sex_of_the_patient() -> None:
    acquisition = report_document(*two_lesions())["acquisition"]
    assert not [name for name in acquisition if name.startswith("patient")]


def test_the_report_is_json_that_can_be_read_back(tmp_path: Path) -> None:
    write_report_json(tmp_path / "report.json", *two_lesions())
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["schema_version"] == 1


def test_one_lesion_is_not_one_lesions() -> None:
    assert [counted(n, "lesion") for n in (0, 1, 2)] == ["0 lesions", "1 lesion", "2 lesions"]


def test_a_lesion_too_small_to_score_is_told_beside_those_that_count() -> None:
    volume, scores = two_lesions()
    labels = np.zeros(volume.hu.shape, np.uint8)
    labels[1, 1:5, 1:5], labels[1, 8, 8] = 2, 4  # of the RCA's lesion one pixel, 0.25 mm²; 1 mm² is the least
    small = replace(scores, lesions=find_lesions(labels, volume.hu, volume.geometry, scores.resolved))
    assert counted_lesions(scores.totals) == "2 lesions in 2 vessels"
    assert counted_lesions(small.totals) == "1 lesion in 1 vessel, 1 more below the protocol's minimum"


def test_a_zero_for_want_of_arteries_is_marked_as_no_finding() -> None:
    volume, scores = two_lesions()
    assert report_document(volume, scores)["totals"]["conclusive"] is True
    missing = Finding("no-coronary-arteries", Severity.WARNING, "No artery.")
    unknown = Scores(scores.lesions, scores.resolved, (missing,))
    assert report_document(volume, unknown)["totals"]["conclusive"] is False


def test_sums_that_are_no_finding_have_no_category_and_no_percentile() -> None:
    volume, scores = two_lesions()
    scores = replace(scores, resolved=resolve(protocol_named("ccta-calibrated"), 400.0, 25.0))
    missing = Finding("few-coronary-arteries", Severity.WARNING, "40 mm of the RCA.")
    totals = report_document(volume, replace(scores, findings=(missing,)))["totals"]
    meaning = ("category", "cac_drs", "very_high", "percentile", "equivalent")
    assert [totals[name] for name in meaning] == [None] * 5
    assert totals["lesions"] == 2  # those that are listed
    known = report_document(volume, scores)["totals"]
    assert None not in [known[name] for name in meaning]


def test_what_is_not_known_of_a_lesion_is_null_in_the_document_and_empty_in_the_table(tmp_path: Path) -> None:
    volume, scores = two_lesions()
    first = report_document(volume, scores)["lesions"][0]
    assert (first["third"], first["from_ostium_mm"]) == (None, None)
    assert first["counts"] is True
    write_lesions_csv(tmp_path / "lesions.csv", scores.lesions.lesions)
    with (tmp_path / "lesions.csv").open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert (row["third"], row["counts"]) == ("", "yes")


def test_the_estimate_without_contrast_stands_beside_the_raw_score_with_a_percentile_of_its_own() -> None:
    volume, scores = two_lesions()
    assert report_document(volume, scores)["totals"]["equivalent"] is None
    calibrated = replace(scores, resolved=resolve(protocol_named("ccta-calibrated"), 400.0, 25.0))
    totals = report_document(volume, calibrated)["totals"]
    assert totals["agatston"] == report_document(volume, scores)["totals"]["agatston"]
    beside = totals["equivalent"]
    assert beside["low"] < beside["estimate"] < beside["high"]
    assert beside["calibrated_on"] == "simulation"
    assert beside["percentile"]["bracket"] != totals["percentile"]["bracket"]


@pytest.mark.parametrize(
    ("protocol", "blood_hu", "name"),
    [
        ("literature", 45.0, "Agatston score"),
        ("literature", 400.0, "Agatston equivalent"),
        ("ccta-adaptive", 400.0, "Agatston equivalent"),
    ],
)
def test_only_a_scan_without_contrast_has_an_agatston_score(protocol: str, blood_hu: float, name: str) -> None:
    assert resolve(protocol_named(protocol), blood_hu, 25.0).score_name == name
