"""What is said about a labelled scan."""

import numpy as np
from cacnet.anatomy import Vessel
from cacnet.dataset.check import check_scan
from cacnet.dataset.scan import Provenance, Review, ReviewState
from cacnet.findings import Finding, Severity
from dataset_folders import SHAPE_ZYX, corrected_scan, spots

LABEL_CODES = {
    "calcium-unknown",
    "no-calcium",
    "calcium-dark",
    "coronary-unknown",
    "vessels-unknown",
    "left-main-merged",
    "not-approved",
}


def label_codes(**changes):
    return {finding.code for finding in check_scan(corrected_scan(**changes))} & LABEL_CODES


def test_a_complete_approved_scan_has_nothing_said_about_its_labels():
    assert label_codes() == set()


def test_the_scan_itself_and_the_readers_findings_are_part_of_it():
    noticed = Finding("outline-dark", Severity.WARNING, "x")
    codes = {finding.code for finding in check_scan(corrected_scan(findings=(noticed,)))}
    assert {"outline-dark", "field-of-view-small"} <= codes


def test_unknown_arteries_and_vessels_are_said():
    provenance = Provenance("nnunet", "rule", named_vessels=())
    assert label_codes(coronary=None, provenance=provenance) == {"coronary-unknown", "vessels-unknown"}


def test_unknown_calcium_is_not_called_a_score_of_zero():
    assert label_codes(calcium=None) == {"calcium-unknown"}


def test_a_merged_left_main_is_said():
    assert label_codes(provenance=Provenance("orcascore", "r", left_main_counted_as=Vessel.LAD)) == {"left-main-merged"}


def test_no_calcium_is_said():
    assert label_codes(calcium=np.zeros(SHAPE_ZYX, np.uint8)) == {"no-calcium"}


def test_labels_beside_the_calcium_are_warned_of():
    assert label_codes(calcium=np.roll(spots(), 3, axis=2)) == {"calcium-dark"}


def test_labels_that_nobody_approved_are_warned_of():
    for state, expected in ((ReviewState.UNREVIEWED, True), (ReviewState.PARTLY, True), (ReviewState.APPROVED, False)):
        codes = label_codes(provenance=Provenance("cacnet", "r", review=Review(state)))
        assert (codes == {"not-approved"}) is expected
