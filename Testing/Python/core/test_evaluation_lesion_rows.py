"""The table of single lesions: where each lies, what it touches, and what a false one was taken for."""

import numpy as np
import pytest
from cacnet.evaluation.lesion_matching import match_lesions
from cacnet.evaluation.lesion_rows import LesionRow, lesion_rows
from cacnet.evaluation.truth import Origin, TrueLabels
from cacnet.volume import Geometry

GRID = Geometry((1, 1, 12), (2.0, 1.0, 0.5), (10.0, 20.0, 30.0))


def labels(text: str) -> np.ndarray:
    """'.22.' as (1, 1, n) labels; '?' is a number that nobody uses."""
    return np.array([[[{".": 0, "?": 200}.get(c) or int(c.replace(".", "0")) for c in text]]], np.uint8)


def rows_of(found: str, calcium: str, coronary: str | None = None, distractors: str | None = None, simulated=True):
    hu = np.arange(200, 212, dtype=np.int16).reshape(1, 1, 12)
    truth = TrueLabels(
        calcium=labels(calcium),
        coronary=labels(coronary or calcium),
        distractors=None if distractors is None else labels(distractors),
        names_vessels=True,
        origin=Origin(simulated),
    )
    matching = match_lesions(labels(found) > 0, truth.calcium > 0, GRID.voxel_volume_mm3)
    return lesion_rows(matching, labels(found), truth, hu, GRID)


def test_each_lesion_has_its_place_size_artery_and_partner() -> None:
    true, found = rows_of(found="..22........", calcium=".111........")
    assert true == LesionRow("true", 1, "LM", 3.0, 203.0, -11.0, -20.0, 30.0, (1,), 2.0, "LAD", "")
    assert found == LesionRow("found", 1, "LAD", 2.0, 203.0, -11.25, -20.0, 30.0, (1,), 2.0, "LM", "")
    assert (true.verdict, found.verdict) == ("found", "right")


def test_one_found_lesion_over_two_true_ones_names_both() -> None:
    first, second, found = rows_of(found="22222.......", calcium="22..3.......")
    assert found.partners == (1, 2)
    assert found.other_vessel == "LAD"
    assert (first.verdict, second.verdict) == ("found", "found")


def test_a_miss_has_no_partner_and_lies_on_nothing() -> None:
    (true,) = rows_of(found="............", calcium="...44.......")
    assert (true.verdict, true.vessel, true.partners, true.other_vessel, true.lies_on) == ("missed", "RCA", (), "", "")


@pytest.mark.parametrize(
    ("coronary", "distractors", "simulated", "expected"),
    [
        ("............", "...7........", True, "stent"),
        ("............", "..2.........", True, "aortic"),
        ("............", "...7........", False, "structure 7"),
        ("............", "...?........", True, "structure 200"),
        ("222222......", "............", True, "artery without calcium"),
        ("222222......", None, True, "artery without calcium"),
        (".........2..", ".........7..", True, "elsewhere"),
    ],
)
def test_a_false_positive_says_what_it_lies_on(coronary, distractors, simulated, expected) -> None:
    (found,) = rows_of("...22.......", "............", coronary, distractors, simulated)
    assert found.verdict == "false positive"
    assert found.lies_on == expected


def test_a_false_positive_at_the_edge_of_the_scan_is_looked_at_as_well() -> None:
    (found,) = rows_of("...........2", "............", "..........2.")
    assert found.lies_on == "artery without calcium"


def test_no_lesions_give_no_rows() -> None:
    assert rows_of("............", "............") == ()


def test_a_row_survives_a_trip_through_plain_values() -> None:
    for row in rows_of("22222.......", "22..3......."):
        plain = {**row.to_plain(), "partners": list(row.partners)}
        assert LesionRow.from_plain(plain) == row
