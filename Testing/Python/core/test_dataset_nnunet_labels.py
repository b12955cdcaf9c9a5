"""Label names of nnU-Net data sets: understood, or asked about, never guessed."""

import numpy as np
import pytest
from cacnet.anatomy import Vessel
from cacnet.dataset.errors import DatasetFileError, LabelError
from cacnet.dataset.nnunet_labels import Kind, Structure, label_table, parse_structure, split_labels, structure_of


@pytest.mark.parametrize(
    ("name", "kind", "vessel"),
    [
        ("calcium", Kind.CALCIUM, Vessel.UNASSIGNED),
        ("CAC", Kind.CALCIUM, Vessel.UNASSIGNED),
        ("coronary_calcification", Kind.CALCIUM, Vessel.UNASSIGNED),
        ("calcified plaque", Kind.CALCIUM, Vessel.UNASSIGNED),
        ("LAD_calcium", Kind.CALCIUM, Vessel.LAD),
        ("calciumLM", Kind.CALCIUM, Vessel.LM),
        ("left main calcification", Kind.CALCIUM, Vessel.LM),
        ("calcium-LCX", Kind.CALCIUM, Vessel.LCX),
        ("RCA calc", Kind.CALCIUM, Vessel.RCA),
        ("right coronary artery calcium", Kind.CALCIUM, Vessel.RCA),
        ("coronary_arteries", Kind.CORONARY, Vessel.UNASSIGNED),
        ("Left circumflex artery", Kind.CORONARY, Vessel.LCX),
        ("coronary_LAD", Kind.CORONARY, Vessel.LAD),
        ("left coronary artery", Kind.CORONARY, Vessel.UNASSIGNED),
        ("stent", Kind.DISTRACTOR, Vessel.UNASSIGNED),
        ("aortic valve calcification", Kind.DISTRACTOR, Vessel.UNASSIGNED),
        ("hard_negative", Kind.DISTRACTOR, Vessel.UNASSIGNED),
    ],
)
def test_a_clear_name_is_understood(name, kind, vessel):
    assert structure_of(name) == Structure(kind, vessel)


@pytest.mark.parametrize(
    "name",
    [
        "LAD",
        "RCA",
        "non-calcified plaque",
        "noncalcified plaque",
        "aorta",
        "pulmonary artery",
        "heart",
        "LAD LCX calcium",
        "1",
    ],
)
def test_a_name_that_does_not_say_enough_is_not_guessed(name):
    assert structure_of(name) is None


@pytest.mark.parametrize(
    ("text", "structure"),
    [
        ("calcium", Structure(Kind.CALCIUM)),
        ("calcium-LCx", Structure(Kind.CALCIUM, Vessel.LCX)),
        (" Coronary-lad ", Structure(Kind.CORONARY, Vessel.LAD)),
        ("distractor", Structure(Kind.DISTRACTOR)),
        ("other", Structure(Kind.OTHER)),
    ],
)
def test_a_user_can_say_what_a_label_is(text, structure):
    assert parse_structure(text) == structure


@pytest.mark.parametrize("text", ["", "bone", "calcium-PDA", "other-LAD", "distractor-RCA"])
def test_a_structure_that_does_not_exist_is_refused(text):
    with pytest.raises(LabelError, match="is said to be"):
        parse_structure(text)


def labels_of(numbers):
    return np.array([[numbers]], np.int16)


def test_calcium_by_vessel_and_arteries_become_our_numbers():
    table = label_table({"background": 0, "LAD calcium": 1, "RCA calcium": 2, "coronary": 3, "stent": 4}, {})
    calcium, coronary, distractor = split_labels(labels_of([0, 1, 2, 3, 4]), table)
    assert calcium.ravel().tolist() == [0, 2, 4, 0, 0]
    assert coronary.ravel().tolist() == [0, 2, 4, 5, 0], "calcium belongs to the artery"
    assert distractor.ravel().tolist() == [0, 0, 0, 0, 4]
    assert table.named_vessels == (Vessel.LAD, Vessel.RCA)


def test_without_labels_of_arteries_they_are_unknown_and_not_empty():
    calcium, coronary, distractor = split_labels(labels_of([0, 1]), label_table({"background": 0, "calcium": 1}, {}))
    assert calcium.ravel().tolist() == [0, 5]
    assert coronary is None
    assert distractor is None


def test_regions_may_share_numbers():
    table = label_table({"background": 0, "coronary": [1, 2], "calcium": [2]}, {})
    calcium, coronary, _ = split_labels(labels_of([0, 1, 2]), table)
    assert calcium.ravel().tolist() == [0, 0, 5]
    assert coronary.ravel().tolist() == [0, 5, 5]


def test_of_regions_the_smaller_one_names_the_artery():
    table = label_table({"background": 0, "calcium": [1, 2], "LAD calcium": 2, "RCA calcium": 1}, {})
    calcium, _, _ = split_labels(labels_of([1, 2]), table)
    assert calcium.ravel().tolist() == [Vessel.RCA, Vessel.LAD]


def test_one_number_cannot_be_two_arteries():
    table = label_table({"background": 0, "LAD calcium": 1, "RCA calcium": 1}, {})
    with pytest.raises(LabelError, match="'LAD calcium' and 'RCA calcium' at once"):
        split_labels(labels_of([1]), table)


def test_the_user_has_the_last_word():
    given = {"LAD": Structure(Kind.CALCIUM, Vessel.LAD), "aorta": Structure(Kind.OTHER)}
    table = label_table({"background": 0, "LAD": 1, "aorta": 2}, given)
    calcium, coronary, _ = split_labels(labels_of([0, 1, 2]), table)
    assert calcium.ravel().tolist() == [0, 2, 0]
    assert coronary is None


def test_an_unclear_name_is_asked_about():
    with pytest.raises(LabelError, match="'LAD' does not say what it is.*--label"):
        label_table({"background": 0, "calcium": 1, "LAD": 2}, {})


def test_a_meaning_for_a_label_that_is_not_there_is_refused():
    with pytest.raises(LabelError, match="no label 'lad'"):
        label_table({"background": 0, "calcium": 1}, {"lad": Structure(Kind.OTHER)})


def test_in_a_data_set_of_arteries_calcium_is_unknown_and_not_absent():
    table = label_table({"background": 0, "LAD artery": 1, "RCA artery": 2}, {})
    calcium, coronary, _ = split_labels(labels_of([0, 1, 2]), table)
    assert calcium is None
    assert coronary.ravel().tolist() == [0, 2, 4]
    assert table.named_vessels == (Vessel.LAD, Vessel.RCA)


@pytest.mark.parametrize("labels", [{"background": 0}, {"background": 0, "stent": 1}])
def test_a_data_set_without_calcium_and_arteries_is_refused(labels):
    with pytest.raises(LabelError, match="is calcium or a coronary artery"):
        label_table(labels, {})


@pytest.mark.parametrize("labels", [None, {}, [0, 1], {"0": "background", "1": "calcium"}])
def test_a_table_of_another_form_is_refused(labels):
    with pytest.raises(DatasetFileError):
        label_table(labels, {})


@pytest.mark.parametrize("value", [-1, 256, 1.5, True, [], [0, 1], [1, 2.5], None])
def test_numbers_that_are_no_labels_are_refused(value):
    with pytest.raises(DatasetFileError, match="'calcium'"):
        label_table({"background": 0, "calcium": value}, {})


def test_a_number_without_a_name_is_refused():
    with pytest.raises(LabelError, match="the number 9"):
        split_labels(labels_of([0, 1, 9]), label_table({"background": 0, "calcium": 1}, {}))


def test_voxels_to_be_ignored_are_not_taken_for_background():
    table = label_table({"background": 0, "calcium": 1, "ignore": 2}, {})
    assert split_labels(labels_of([0, 1]), table)[0].ravel().tolist() == [0, 5]
    with pytest.raises(LabelError, match="ignore"):
        split_labels(labels_of([0, 1, 2]), table)
