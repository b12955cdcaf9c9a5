"""The chain from a CT to lesions and scores, in the order of the steps."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cacnet import contrast
from cacnet.acquisition import completed
from cacnet.anatomy import NAMED_VESSELS
from cacnet.errors import CacnetError
from cacnet.findings import Finding, Severity
from cacnet.heart_context import coarse_heart
from cacnet.labelling import AS_THE_NETWORK, Labels, label
from cacnet.left_out import LeftOutLesion
from cacnet.lesions import LesionSet, find_lesions
from cacnet.loading import load_network
from cacnet.prepare import Prepared, normalise_hu, prepare
from cacnet.progress import Progress, silent
from cacnet.reading import read_ct
from cacnet.remarks import remarks_on_result
from cacnet.report import ModelStatement, Scores
from cacnet.scoring import (
    DEFAULT_PROTOCOL,
    BloodPoolNotMeasurableError,
    Protocol,
    ResolvedProtocol,
    measure_blood_pool,
    protocol_named,
    resolve,
)
from cacnet.sparse_maps import SparseMap
from cacnet.validation import check
from cacnet.vessels.places import Courses
from cacnet.volume import Acquisition, Volume

if TYPE_CHECKING:
    from cacnet.inference import Device
    from cacnet.weights import LoadedModel

ALL_BELIEVED = "No look at the whole heart, as asked for: cardiac veins may be among the arteries."

DEFAULT_MODEL = "cacnet-simulated-v9"


class UnusableInputError(CacnetError):
    """The input has a finding that makes a segmentation meaningless."""


@dataclass(frozen=True)
class Request:
    """What a user asks for.

    Attributes:
        ct: DICOM folder or image file.
        model: id of an installed bundle, or the path of one.
        device: 'auto', 'cpu', 'cuda' or 'mps'.
        protocol: name of a scoring protocol; None takes the one for the scan's contrast phase.
        age_years, sex: of the patient, for the percentile; None takes what the DICOM header says.
        series_uid: which series of a DICOM folder; None takes the best.
        refine_borders: whether the lesions' borders and the arteries' walls are drawn anew on the CT's own grid (see
            cacnet.refinement).
        use_context: whether the look at the whole heart tells arteries from veins (see cacnet.heart_context), where the
            model has a context network.
        acquisition: what the caller knows of the scan; used where the file's own headers do not say.
    """

    ct: Path
    model: str = DEFAULT_MODEL
    device: str = "auto"
    protocol: str | None = None
    age_years: float | None = None
    sex: str | None = None
    series_uid: str | None = None
    refine_borders: bool = True
    use_context: bool = True
    acquisition: Acquisition = field(default_factory=Acquisition)


@dataclass(frozen=True)
class Result:
    """A segmented and scored CT. Label maps are uint8 on the CT's grid: 1 LM, 2 LAD, 3 LCx, 4 RCA, 5 unassigned.

    `courses` are the arteries' centre lines, None where there are none. `left_out` are lesions that were found and do
    not count.
    """

    volume: Volume
    calcium: np.ndarray
    coronary: np.ndarray
    scores: Scores
    courses: Courses | None = None
    left_out: tuple[LeftOutLesion, ...] = ()


@dataclass
class Stopwatch:
    """Seconds spent in each named step."""

    seconds: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block as one step."""
        start = time.perf_counter()
        yield
        self.seconds.append((name, time.perf_counter() - start))


def segment(request: Request, progress: Progress = silent) -> Result:
    """Read, check, prepare, segment, find lesions and score.

    Raises:
        UnusableInputError: a finding of severity error; further CacnetErrors of the steps.
    """
    return segment_with_labels(request, progress)[0]


def segment_with_labels(request: Request, progress: Progress = silent) -> tuple[Result, Labels]:
    """As `segment`, with what the label step knew: an evaluation wants the probabilities before post-processing."""
    watch = Stopwatch()
    if request.protocol is not None:
        protocol_named(request.protocol)
    with ThreadPoolExecutor(1) as beside:
        network = beside.submit(load_network, request.model, request.device)
        with watch.step("read"):
            volume = read_ct(request.ct, series_uid=request.series_uid, progress=progress)
            volume = completed(volume, request.acquisition)
        with watch.step("check"):
            findings = require_usable(check(volume))
        with watch.step("prepare"):
            prepared = prepare(volume, progress)
        with watch.step("load"):
            model, device = network.result()
    from cacnet.context_inference import look_at_heart
    from cacnet.inference import or_on_cpu, predict
    from cacnet.window_inference import WindowPredictor

    with watch.step("network"):
        probabilities = predict(normalise_hu(prepared.hu), model, device, progress=progress)
        reduced = probabilities.notes
    with watch.step("context"):
        context = None
        if model.context is not None and request.use_context:
            heart = coarse_heart(prepared, probabilities.coronary, probabilities.calcium)
            look = partial(look_at_heart, heart, model.context, progress=progress)
            context, failed = or_on_cpu(look, probabilities.device)
            reduced += failed
    with watch.step("label"):
        progress("label", 0.0)
        border_model = None if model.borders is None else WindowPredictor(model.borders, probabilities.device, progress)
        wall_model = None if model.walls is None else WindowPredictor(model.walls, probabilities.device, progress)
        labels = label(volume, prepared, probabilities, request.refine_borders, border_model, context, wall_model)
        notes = [note for predictor in (border_model, wall_model) if predictor is not None for note in predictor.notes]
        reduced += tuple(dict.fromkeys(notes))  # one device fails both for one reason
    with watch.step("score"):
        progress("score", 0.0)
        resolved = resolve_for(volume, request.protocol, labels.blood_hu)
        lesions = find_lesions(labels.calcium, volume.hu, volume.geometry, resolved, labels.probability, labels.courses)
        progress("score", 1.0)
    scores = Scores(
        lesions=lesions,
        resolved=resolved,
        findings=(
            *findings,
            *region_findings(prepared),
            *memory_findings(reduced),
            *result_findings(lesions, labels, left_out_agatston(lesions, labels, volume, resolved)),
        ),
        model=model_statement(model, device, reduced, labels),
        timing_s=tuple(watch.seconds),
        age_years=request.age_years if request.age_years is not None else volume.acquisition.patient_age_years,
        sex=request.sex or volume.acquisition.patient_sex,
        dominance=labels.dominance,
    )
    return Result(volume, labels.calcium, labels.coronary, scores, labels.courses, labels.left_out_lesions), labels


def resolve_for(volume: Volume, protocol: str | None, blood_hu: np.ndarray | None = None) -> ResolvedProtocol:
    """The protocol asked for, or the one for the scan's contrast phase, with this scan's blood and tube voltage.

    Args:
        volume: the CT.
        protocol: a protocol's name, or None.
        blood_hu: HU of voxels inside the coronary lumen; without enough of them the heart's blood pool is measured.
    """
    pool = _blood_pool(volume, blood_hu)
    median_hu, sd_hu = pool if pool is not None else (None, None)
    chosen = protocol_named(protocol) if protocol else default_protocol(median_hu)
    return resolve(chosen, median_hu, sd_hu, volume.acquisition.kvp)


def default_protocol(blood_hu: float | None) -> Protocol:
    """The protocol for a contrast phase; where the blood cannot be measured, the one that does not need it.

    That case is told to the reader by the finding 'contrast-unknown'.
    """
    if blood_hu is None or contrast.phase_of(blood_hu) is contrast.Phase.NON_CONTRAST:
        return protocol_named("literature")
    return DEFAULT_PROTOCOL


def require_usable(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings themselves, unless one of them is an error."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise UnusableInputError(" ".join(finding.message for finding in errors))
    return findings


def _blood_pool(volume: Volume, blood_hu: np.ndarray | None) -> tuple[float, float] | None:
    """Median and left-sided SD of the blood, from the coronary lumen or else from the heart's chambers."""
    if blood_hu is not None:
        try:
            pool = measure_blood_pool(blood_hu, np.ones(blood_hu.shape, bool))
        except BloodPoolNotMeasurableError:
            pool = None
        if pool is not None:
            return pool.median_hu, pool.sd_hu
    try:
        heart = contrast.blood_pool(volume)
    except contrast.NoBloodPoolError:
        return None
    return heart.median_hu, heart.sd_hu


def heart_blood_hu(volume: Volume) -> float | None:
    """Median HU of the blood in the heart; None where it cannot be measured."""
    pool = _blood_pool(volume, None)
    return None if pool is None else pool[0]


def region_findings(prepared: Prepared) -> tuple[Finding, ...]:
    """What the search for the heart has to say."""
    if prepared.region.found:
        return ()
    message = (
        "The lungs were not found, so the whole volume was searched; a heart between two lungs was expected. "
        "Check that the scan shows a heart, and look through the lesions for bone."
    )
    return (Finding("heart-not-found", Severity.WARNING, message),)


def memory_findings(reduced: tuple[str, ...]) -> tuple[Finding, ...]:
    """What had to be reduced so that the networks ran at all, in words."""
    if not reduced:
        return ()
    message = (
        f"The first choice of computing did not work, so a smaller one was taken: {'; '.join(reduced)}. "
        "The result is complete. Close other programs, or choose the device 'cpu', to avoid this."
    )
    return (Finding("computing-reduced", Severity.NOTE, message),)


def left_out_agatston(
    lesions: LesionSet, labels: Labels, volume: Volume, resolved: ResolvedProtocol
) -> tuple[float, ...]:
    """What each lesion that was left out would add to a score of 0; nothing is said where there is a score."""
    if not labels.left_out_lesions or any(lesion.agatston > 0 for lesion in lesions.lesions):
        return ()
    vessel = np.zeros(volume.geometry.shape_zyx, np.uint8)
    for other in labels.left_out_lesions:
        vessel.flat[other.index] = other.vessel
    return tuple(lesion.agatston for lesion in find_lesions(vessel, volume.hu, volume.geometry, resolved).lesions)


def result_findings(lesions: LesionSet, labels: Labels, left_out_agatston: Sequence[float] = ()) -> tuple[Finding, ...]:
    """What the result itself gives reason to check; for `left_out_agatston` see remarks_on_result."""
    notes = [Finding("vessels", Severity.NOTE, note) for note in labels.notes]
    notes += [Finding("calcium-left-out", Severity.WARNING, sentence) for sentence in labels.left_out]
    notes += [Finding("calcium-far-from-arteries", Severity.WARNING, sentence) for sentence in labels.far_away]
    if labels.second_look:
        notes.append(Finding("second-look", Severity.NOTE, labels.second_look))
    if labels.denied:
        notes.append(Finding("lesions-not-confirmed", Severity.NOTE, labels.denied))
    if lesions.lesions and not labels.borders_refined and labels.borders != AS_THE_NETWORK:
        notes.append(Finding("borders-not-refined", Severity.NOTE, labels.borders))
    if labels.not_judged:
        notes.append(Finding("arteries-not-judged", Severity.WARNING, labels.not_judged))
    any_artery = bool(np.isin(SparseMap.of(labels.coronary).values, NAMED_VESSELS).any())
    said = remarks_on_result(lesions.lesions, labels.courses, any_artery, left_out_agatston=left_out_agatston)
    return (*notes, *said)


def model_statement(model: LoadedModel, device: Device, reduced: tuple[str, ...], labels: Labels) -> ModelStatement:
    """Which network, on what, and what happened on the way to the labels."""
    return ModelStatement(
        id=model.card.id,
        weights_sha256=model.card.weights.sha256 if model.card.weights else None,
        statement=model.card.statement,
        device=device.description,
        notes=(*reduced, *_context_notes(model, labels), labels.borders, *_wall_notes(model, labels)),
    )


def _wall_notes(model: LoadedModel, labels: Labels) -> tuple[str, ...]:
    if not labels.walls or model.card.wall_weights is None:
        return ()
    return (f"{labels.walls} The wall network's weights: sha256 {model.card.wall_weights.sha256}.",)


def _context_notes(model: LoadedModel, labels: Labels) -> tuple[str, ...]:
    if model.context is None:
        return ()
    return (labels.arteries or ALL_BELIEVED,)
