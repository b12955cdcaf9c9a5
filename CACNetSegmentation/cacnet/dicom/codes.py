"""What the objects say of themselves: codes, the algorithm, the device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cacnet
from cacnet.report import RESEARCH_USE
from cacnet.reviewed_case import ReviewedCase
from cacnet.segments import Code

if TYPE_CHECKING:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.sr import AlgorithmIdentification, CodedConcept

MANUFACTURER = MODEL_NAME = "CACNet"
SEG_SERIES_NUMBER, SR_SERIES_NUMBER = 9001, 9002
"""High, so that they come after the images of the study."""

CALCIUM_SCORE = Code("SCT", "450360000", "Coronary artery calcium score")
AGATSTON = Code("DCM", "112055", "Agatston scoring method")
VOLUME = Code("DCM", "112056", "Volume scoring method")
MASS = Code("DCM", "112057", "Mass scoring method")
NO_UNITS = Code("UCUM", "1", "no units")
CUBIC_MILLIMETRES = Code("UCUM", "mm3", "cubic millimeter")
MILLIGRAMS = Code("UCUM", "mg", "milligram")
CT = Code("LN", "25045-6", "CT unspecified body region")
REPORT_TITLE = Code("DCM", "126000", "Imaging Measurement Report")
LONGEST_TEXT = 64
"""Characters of a DICOM LO."""


def concept(code: Code) -> CodedConcept:
    """A code as highdicom has it."""
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning)


def algorithm_name(case: ReviewedCase) -> str:
    """As in the segments of a `.seg.nrrd`."""
    return f"{MODEL_NAME} {case.model.id}" if case.model.id else MODEL_NAME


def person_name(case: ReviewedCase) -> str | None:
    """The reviewer's initials as a DICOM PN; None where there are none."""
    return f"{case.reviewer}^" if case.reviewer else None


def algorithm_of_segments(case: ReviewedCase) -> AlgorithmIdentificationSequence:
    """For Segment Description (DICOM PS3.3 10.16)."""
    from highdicom import AlgorithmIdentificationSequence
    from pydicom.sr.codedict import codes

    return AlgorithmIdentificationSequence(
        algorithm_name(case)[:LONGEST_TEXT],
        codes.cid7162.ArtificialIntelligence,
        cacnet.__version__,
        parameters=parameters(case),
    )


def algorithm_of_scores(case: ReviewedCase) -> AlgorithmIdentification:
    """For a measurement group (TID 4019)."""
    from highdicom.sr import AlgorithmIdentification

    return AlgorithmIdentification(algorithm_name(case), cacnet.__version__, list(parameters(case).values()))


def parameters(case: ReviewedCase) -> dict[str, str]:
    """What a reader of the objects must know: the rule, the weights, what they were trained on, what they are for."""
    return {
        "protocol": case.resolved.sentence,
        "weights_sha256": case.model.weights_sha256 or "unknown",
        "model": case.model.statement or "unknown",
        "use": RESEARCH_USE,
        "review": f"{case.state.value}",
    }
