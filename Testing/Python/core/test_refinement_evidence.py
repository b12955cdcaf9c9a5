"""What borders are drawn from lies on one grid, and the blood in it is measured or said to be unknown."""

from dataclasses import replace

import numpy as np
import pytest
from border_evidence import BLOOD_HU, row
from cacnet.refinement import NothingToRefineByError
from cacnet.refinement.evidence import measured_blood
from cacnet.sparse_maps import SparseMap
from cacnet.volume import GeometryMismatchError


@pytest.mark.parametrize("wrong", ["calcium", "calcium_probability", "coronary_probability", "coronary"])
def test_a_map_of_another_grid_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(GeometryMismatchError, match=f"the {wrong.replace('_', ' ')} array has the shape \\(1, 1, 4\\)"):
        replace(row([400, 400, 400], []), **{wrong: SparseMap.of(np.zeros((1, 1, 4)))})


def test_a_ct_of_another_grid_is_refused() -> None:
    with pytest.raises(GeometryMismatchError, match="the hu array"):
        replace(row([400, 400, 400], []), hu=np.zeros((1, 2, 3)))


def test_the_blood_is_its_median_and_the_spread_below_it() -> None:
    blood = measured_blood(BLOOD_HU)
    assert (blood.median_hu, blood.sd_hu) == (400, 20)


@pytest.mark.parametrize(("hu", "why"), [(np.full(49, 400.0), "too little lumen"), (np.full(50, 99.0), "99 HU")])
def test_too_little_blood_or_blood_without_contrast_agent_is_said(hu: np.ndarray, why: str) -> None:
    with pytest.raises(NothingToRefineByError, match=why):
        measured_blood(hu)
