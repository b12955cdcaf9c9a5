"""Reasons and arteries by name."""

import pytest
from cacnet.anatomy import Vessel
from cacnet.edits.names import UnknownNameError, reason_named, vessel_named
from cacnet.edits.review import RejectReason


@pytest.mark.parametrize("reason", list(RejectReason))
def test_every_reason_is_known_by_its_name(reason):
    assert reason_named(reason.value) is reason
    assert reason_named(reason) is reason


@pytest.mark.parametrize("vessel", list(Vessel))
def test_every_artery_is_known_by_label_and_number(vessel):
    assert vessel_named(vessel.label) is vessel
    assert vessel_named(vessel.label.upper()) is vessel
    assert vessel_named(int(vessel)) is vessel
    assert vessel_named(vessel) is vessel


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UnknownNameError, match="no reason 'metal'.*stent, clip.*bone, other"):
        reason_named("metal")
    with pytest.raises(UnknownNameError, match="no artery 'left'.*LM, LAD, LCx, RCA, Unassigned"):
        vessel_named("left")
    with pytest.raises(UnknownNameError, match="no artery '0'"):
        vessel_named(0)
