"""A labelled scan holds labels on the CT's grid, and says what it does not know."""

import dataclasses

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.dataset.errors import LabelError
from cacnet.dataset.scan import Provenance
from cacnet.volume import GeometryMismatchError
from dataset_folders import SHAPE_ZYX, corrected_scan, spots


def test_everything_is_known_where_everything_is_labelled():
    assert corrected_scan().unknown == ()


def test_what_is_not_labelled_is_unknown():
    provenance = Provenance("nnunet", "rule", named_vessels=())
    scan = corrected_scan(coronary=None, distractor=None, provenance=provenance)
    assert scan.unknown == ("coronary", "distractor", "vessels")
    assert corrected_scan(calcium=None).unknown == ("calcium",)


def test_a_scan_without_any_label_is_refused():
    with pytest.raises(LabelError, match="neither"):
        corrected_scan(calcium=None, coronary=None)


def test_labels_of_another_shape_are_refused():
    with pytest.raises(GeometryMismatchError, match="coronary labels"):
        corrected_scan(coronary=np.zeros((2, 2, 2), np.uint8))


def test_labels_of_another_type_are_refused():
    with pytest.raises(LabelError, match="int16"):
        corrected_scan(calcium=spots().astype(np.int16))


@pytest.mark.parametrize("name", ["calcium", "coronary"])
def test_numbers_of_no_artery_are_refused(name):
    labels = np.zeros(SHAPE_ZYX, np.uint8)
    labels[0, 0, 0] = max(Vessel) + 1
    with pytest.raises(LabelError, match="up to 6"):
        dataclasses.replace(corrected_scan(), **{name: labels})


def test_distractors_may_have_any_number():
    assert corrected_scan().distractor.max() == 200
