"""Reasons and arteries by the names that scripts give them; an unknown one is answered with those that there are."""

from __future__ import annotations

from cacnet.anatomy import Vessel
from cacnet.edits.review import EditError, RejectReason


class UnknownNameError(EditError):
    """A script named a reason or an artery that does not exist."""


def reason_named(reason: RejectReason | str) -> RejectReason:
    """'stent' and so on; raises UnknownNameError."""
    try:
        return RejectReason(reason)
    except ValueError:
        raise UnknownNameError(
            f"there is no reason '{reason}' to reject a lesion", f"one of {', '.join(RejectReason)}"
        ) from None


def vessel_named(vessel: Vessel | int | str) -> Vessel:
    """An artery by its number or its label ('LCx', in any case); raises UnknownNameError."""
    known = {one.label.lower(): one for one in Vessel} | {int(one): one for one in Vessel}
    found = known.get(vessel.lower() if isinstance(vessel, str) else vessel)
    if found is None:
        raise UnknownNameError(f"there is no artery '{vessel}'", f"one of {', '.join(one.label for one in Vessel)}")
    return found
