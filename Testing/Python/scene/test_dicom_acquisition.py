"""How a scan was made comes from its DICOM files; who the patient is never does."""

import numpy as np
import pytest
from cacnet.volume import Acquisition, Geometry, Volume

pytest.importorskip("slicer", reason="slicer-core is not installed")
from CACNetSegmentationLib.scene.dicom_acquisition import acquisition_of_node
from CACNetSegmentationLib.scene.volumes import node_from_volume

HEADER = {
    "0008,0060": "CT",
    "0008,0070": "ACME ",
    "0018,0010": "Iodine",
    "0018,0050": "0.6",
    "0018,0060": "100",
    "0018,1210": "Bv40",
    "0010,0040": "f",
    "0010,1010": "061Y",
    "0010,0010": "Doe^Jane",
}


class Database:
    def __init__(self, header):
        self.header, self.asked = header, []

    def instanceValue(self, instance_uid, tag):  # noqa: N802 - as ctkDICOMDatabase
        self.asked.append((instance_uid, tag))
        return self.header.get(tag, "")


@pytest.fixture
def node(scene):
    volume = Volume(np.zeros((2, 2, 2), np.int16), Geometry((2, 2, 2), (1, 1, 1)))
    node = node_from_volume(scene, volume, "CT")
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
    return node


def test_everything_that_scores_need_is_read_from_the_first_file(node):
    assert acquisition_of_node(node, Database(HEADER)) == Acquisition(
        modality="CT",
        kvp=100.0,
        slice_thickness_mm=0.6,
        kernel="Bv40",
        manufacturer="ACME",
        contrast_agent="Iodine",
        patient_age_years=61.0,
        patient_sex="F",
    )


def test_neither_name_nor_number_nor_dates_of_the_patient_are_asked_for(node):
    database = Database(HEADER)
    acquisition_of_node(node, database)
    assert {uid for uid, _ in database.asked} == {"1.2.3"}
    patient = {tag for _, tag in database.asked if tag.startswith("0010")}
    assert patient == {"0010,0040", "0010,1010"}
    assert not {tag for _, tag in database.asked if tag in ("0008,0050", "0008,0020", "0020,000D")}


@pytest.mark.parametrize("kvp", ["", "none", "0", "-1"])
def test_what_is_not_there_or_no_number_is_not_known(node, kvp):
    assert acquisition_of_node(node, Database({"0018,0060": kvp})).kvp is None


def test_a_volume_that_is_not_from_dicom_says_nothing(node):
    database = Database(HEADER)
    assert acquisition_of_node(node, None) == Acquisition()
    node.RemoveAttribute("DICOM.instanceUIDs")
    assert acquisition_of_node(node, database) == Acquisition()
    assert acquisition_of_node(None, database) == Acquisition()
    assert not database.asked
