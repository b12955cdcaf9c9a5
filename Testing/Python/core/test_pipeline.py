"""What the chain decides between its steps: the protocol, what stops it, and what it remarks on its own result."""

from dataclasses import replace

import numpy as np
import pytest
from cacnet.findings import RUN_FINDINGS, Finding, Severity
from cacnet.inference import Probabilities, choose_device
from cacnet.labelling import label
from cacnet.lesions import find_lesions
from cacnet.network import CACNet, NetworkConfig
from cacnet.pipeline import (
    UnusableInputError,
    memory_findings,
    model_statement,
    region_findings,
    require_usable,
    resolve_for,
    result_findings,
)
from cacnet.remarks import REMARKS
from cacnet.weights import InputContract, LoadedModel, ModelCard, WeightsRecord
from schematic import prepared, schematic_ccta, true_probabilities


def test_no_arteries_give_empty_labels_and_a_warning_that_zero_is_no_finding() -> None:
    scan = schematic_ccta()
    on_grid = prepared(scan)
    nothing = np.zeros(on_grid.grid.shape_zyx, np.float32)
    labels = label(scan.volume, on_grid, Probabilities(nothing, nothing, choose_device("cpu"), 96))
    assert not labels.calcium.any()
    assert not labels.coronary.any()
    resolved = resolve_for(scan.volume, None, labels.blood_hu)
    lesions = find_lesions(labels.calcium, scan.volume.hu, scan.volume.geometry, resolved)
    findings = result_findings(lesions, labels)
    assert "no-coronary-arteries" in {finding.code for finding in findings}


@pytest.mark.parametrize(
    ("noticed", "code", "severity"),
    [
        ({"left_out": ("2 spots …",)}, "calcium-left-out", Severity.WARNING),
        ({"far_away": ("2 spots …",)}, "calcium-far-from-arteries", Severity.WARNING),
        ({"second_look": "2 spots …"}, "second-look", Severity.NOTE),
        ({"denied": "2 spots …"}, "lesions-not-confirmed", Severity.NOTE),
    ],
)
def test_what_was_left_out_or_found_at_a_second_look_only_is_told(noticed, code, severity) -> None:
    scan = schematic_ccta()
    on_grid = prepared(scan)
    calcium, coronary = true_probabilities(on_grid)
    labels = label(scan.volume, on_grid, Probabilities(calcium, coronary, choose_device("cpu"), 96))
    resolved = resolve_for(scan.volume, None, labels.blood_hu)
    lesions = find_lesions(labels.calcium, scan.volume.hu, scan.volume.geometry, resolved)
    before = {finding.code for finding in result_findings(lesions, labels)}
    said = [f for f in result_findings(lesions, replace(labels, **noticed)) if f.message == "2 spots …"]
    assert code not in before
    assert [(finding.code, finding.severity) for finding in said] == [(code, severity)]


def test_a_review_keeps_all_that_the_run_says_but_what_is_said_of_the_lesions_anew() -> None:
    scan = schematic_ccta()
    on_grid = prepared(scan)
    calcium, coronary = true_probabilities(on_grid)
    answer = Probabilities(calcium, coronary, choose_device("cpu"), 96, ("smaller tiles",))
    labels = label(scan.volume, on_grid, answer)
    resolved = resolve_for(scan.volume, None, labels.blood_hu)
    lesions = find_lesions(labels.calcium, scan.volume.hu, scan.volume.geometry, resolved)
    everything = replace(
        labels,
        notes=("n",),
        left_out=("l",),
        far_away=("f",),
        second_look="s",
        denied="d",
        borders="b",
        not_judged="j",
        borders_refined=False,
    )
    nowhere = replace(on_grid, region=replace(on_grid.region, found=False))
    said = (*result_findings(lesions, everything), *memory_findings(answer.notes), *region_findings(nowhere))
    assert {finding.code for finding in said} - REMARKS == RUN_FINDINGS


@pytest.mark.parametrize("asked", [True, False])
def test_the_report_says_what_drew_the_borders_and_remarks_where_it_could_not(asked: bool) -> None:
    scan = schematic_ccta()
    on_grid = prepared(scan)
    unenhanced = replace(scan.volume, hu=np.where(scan.coronary, 50, scan.volume.hu).astype(np.int16))
    calcium, coronary = true_probabilities(on_grid)
    probabilities = Probabilities(calcium, coronary, choose_device("cpu"), 96, ("smaller tiles",))
    labels = label(unenhanced, on_grid, probabilities, asked)
    resolved = resolve_for(unenhanced, "literature", labels.blood_hu)
    lesions = find_lesions(labels.calcium, unenhanced.hu, unenhanced.geometry, resolved)
    said = {finding.code: finding.message for finding in result_findings(lesions, labels)}
    expected = "no contrast agent" if asked else "as asked for"
    assert expected in labels.borders
    assert said.get("borders-not-refined") == (labels.borders if asked else None)
    network = CACNet(NetworkConfig(widths=(2, 4, 4, 4, 4), conditioner_width=2))
    model = LoadedModel(network, ModelCard("tiny", "Tiny", input=InputContract(tile_voxels=32)))
    stated = model_statement(model, choose_device("cpu"), probabilities.notes, labels)
    assert stated.notes == ("smaller tiles", labels.borders)


def test_the_report_names_the_weights_that_drew_the_walls_and_none_where_none_did() -> None:
    scan = schematic_ccta()
    on_grid = prepared(scan)
    calcium, coronary = true_probabilities(on_grid)
    labels = label(scan.volume, on_grid, Probabilities(calcium, coronary, choose_device("cpu"), 96))
    network = CACNet(NetworkConfig(widths=(2, 4, 4, 4, 4), conditioner_width=2))
    card = ModelCard(
        "tiny",
        "Tiny",
        input=InputContract(tile_voxels=32),
        wall_weights=WeightsRecord("walls.safetensors", 10, "a1b2", 3),
    )

    def said(drawn: str) -> list[str]:
        drew = replace(labels, walls=drawn)
        return [
            note
            for note in model_statement(LoadedModel(network, card), choose_device("cpu"), (), drew).notes
            if "wall" in note
        ]

    assert said("") == []
    assert said("A wall network drew them.") == ["A wall network drew them. The wall network's weights: sha256 a1b2."]


@pytest.mark.parametrize(
    ("blood_hu", "expected"), [(45.0, "literature"), (180.0, "ccta-adaptive"), (400.0, "ccta-adaptive")]
)
def test_the_default_protocol_follows_the_contrast_phase(blood_hu: float, expected: str) -> None:
    volume = schematic_ccta().volume
    assert resolve_for(volume, None, np.full(200, blood_hu)).protocol.name == expected


def test_a_protocol_that_is_asked_for_is_used() -> None:
    assert resolve_for(schematic_ccta().volume, "literature", np.full(200, 400.0)).protocol.name == "literature"


def test_without_enough_lumen_the_hearts_own_blood_pool_is_measured() -> None:
    resolved = resolve_for(schematic_ccta().volume, "ccta-adaptive", np.zeros(0))
    assert 400 < resolved.threshold_hu < 450


def test_an_error_on_the_input_stops_with_its_sentence_and_warnings_do_not() -> None:
    warning = Finding("w", Severity.WARNING, "The slices are thick.")
    error = Finding("e", Severity.ERROR, "The volume is constant.")
    assert require_usable((warning,)) == (warning,)
    with pytest.raises(UnusableInputError, match="The volume is constant."):
        require_usable((warning, error))


def test_a_ladder_that_was_climbed_is_a_finding() -> None:
    [finding] = memory_findings(("96³ ran out of memory", "computed with 64³"))
    assert finding.severity is Severity.NOTE
    assert "96³ ran out of memory; computed with 64³" in finding.message
    assert memory_findings(()) == ()
