"""Real coronary calcium of three patients, as label maps: lesions found in them have the volumes that are stated."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from cacnet.lesions import find_lesions
from cacnet.scoring import PROTOCOLS, resolve, total
from cacnet.volume import geometry_of
from shared_data import shared_data

CALCIUM = 3
STATED_MM3 = {"0187": 0.0, "0506": 416.16, "0909": 1138.66, "0987": 115.6}


@pytest.mark.parametrize("patient", STATED_MM3)
def test_volume_and_score_of_real_shapes(patient: str) -> None:
    """Every voxel is given 300 HU, so factor 3: area × 3 × 2.5 mm / 3 mm is area × 2.5, which is the volume."""
    image = sitk.ReadImage(str(shared_data("calcium_label_shapes") / f"deepcac_{patient}.nrrd"))
    calcium = sitk.GetArrayFromImage(image) == CALCIUM
    hu = np.where(calcium, 300, 40).astype(np.int16)
    labels = calcium.astype(np.uint8) * np.uint8(5)
    without_minimum = resolve(PROTOCOLS["like-siemens"], kvp=120.0)
    lesions = find_lesions(labels, hu, geometry_of(image), without_minimum).lesions
    assert sum(lesion.mask_volume_mm3 for lesion in lesions) == pytest.approx(STATED_MM3[patient], abs=0.01)
    assert total(lesions).agatston == pytest.approx(STATED_MM3[patient], abs=0.01)
    assert (len(lesions) == 0) == (STATED_MM3[patient] == 0)
