"""The networks that CAC-Net is compared with, and the command that compares them."""

import importlib.util
import json

import numpy as np
import pytest
import torch
from Benchmark import comparison
from Benchmark.comparing import rows
from Benchmark.comparing.rows import CAC_NET, TABLES, Row, distinct
from Benchmark.comparing.table import Plan, interval, markdown, state_of
from Benchmark.peers import PEERS, UnknownPeerError, build
from Benchmark.peers.nnformer import Attention
from Benchmark.peers.prior import NoOutputLayerError, set_output_prior
from cacnet.network import NetworkConfig
from cacnet.network.cacnet import INITIAL_PROBABILITY
from torch import nn
from tube_cases import write_tube

FROM_MONAI = ("U-Net", "V-Net", "nnU-Net", "SwinUNETR")
SMALLEST = {"SwinUNETR": 64}
MISSING = [name for name in ("monai", "einops") if importlib.util.find_spec(name) is None]
needs_monai = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
NETWORKS = [pytest.param(name, marks=[needs_monai] if name in FROM_MONAI else []) for name in PEERS]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_logits_for_every_voxel_and_learns_in_every_parameter(name):
    torch.manual_seed(0)
    network = build(name, classes=2)
    side = SMALLEST.get(name, 32)
    image = torch.randn(1 if name == "SwinUNETR" else 2, 1, side, side, side)
    logits = network(image)
    assert logits.shape == (len(image), 2, side, side, side)
    logits.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_of_one_size_and_begin_with_the_same_answer(name):
    torch.manual_seed(0)
    network = build(name, classes=2)
    assert 3.8e6 < sum(parameter.numel() for parameter in network.parameters()) < 6e6
    last = [layer for layer in network.modules() if isinstance(layer, nn.Conv3d | nn.ConvTranspose3d)][-1]
    assert torch.sigmoid(last.bias).tolist() == pytest.approx(INITIAL_PROBABILITY)


def test_a_network_of_one_class_has_one_channel():
    assert build("nnFormer", classes=1)(torch.zeros(1, 1, 32, 32, 32)).shape[1] == 1


def test_an_unknown_network_is_refused():
    with pytest.raises(UnknownPeerError, match="CACer"):
        build("CACer", classes=2)


def test_a_network_without_an_output_layer_cannot_be_given_a_prior():
    with pytest.raises(NoOutputLayerError):
        set_output_prior(nn.Sequential(nn.Conv3d(1, 2, 1), nn.Conv3d(2, 4, 1)), classes=2)


def test_attention_within_volumes_sees_nothing_beyond_them_unless_they_are_shifted():
    def changed(shifted):
        torch.manual_seed(0)
        attention = Attention(6, heads=3, window=4, shifted=shifted).eval()
        tokens = torch.randn(1, 8, 8, 8, 6)
        other = tokens.clone()
        other[0, 3, 3, 3] += 1
        difference = (attention(tokens, tokens) - attention(other, other)).abs().sum(-1)[0]
        return {tuple(np.unique(axis)) for axis in np.nonzero(difference.detach().numpy() > 1e-6)}

    assert changed(shifted=False) == {(0, 1, 2, 3)}
    assert changed(shifted=True) == {(2, 3, 4, 5)}


def test_volumes_that_only_the_cyclic_shift_joins_do_not_see_each_other():
    torch.manual_seed(0)
    attention = Attention(6, heads=3, window=4, shifted=True).eval()
    tokens = torch.randn(1, 8, 8, 8, 6)
    other = tokens.clone()
    other[0, 0, 3, 3] += 1  # after the shift it lies beside z = 6 and 7
    difference = (attention(tokens, tokens) - attention(other, other)).abs().sum(-1)[0].detach().numpy()
    assert np.unique(np.nonzero(difference > 1e-6)[0]).tolist() == [0, 1]


def test_the_ablation_has_the_six_rows_that_can_be():
    switches = [(row.classes, row.network.conditioner, row.loss.geometric_prior_weight > 0) for row in TABLES[2]]
    assert switches == [
        (1, False, False),
        (1, True, False),
        (2, False, False),
        (2, True, False),
        (2, False, True),
        (2, True, True),
    ]
    assert TABLES[2][-1].run == CAC_NET.run  # one network, trained once for all tables
    assert len({row.run for row in TABLES[2]}) == 6
    assert "CACer" not in [row.title for row in distinct([1])]


def test_an_interval_resamples_seeds_and_cases_each_by_themselves():
    assert interval(np.array([[0.2, 0.4], [0.2, 0.4]])) == pytest.approx((0.3, 0.2, 0.4))
    assert interval(np.array([[0.5, 0.5]])) == (0.5, 0.5, 0.5)
    assert interval(np.array([[0.5, np.nan]])) == (0.5, 0.5, 0.5)
    assert interval(np.array([[np.nan]])) is None


def _result(steps, dice, **more):
    figures = dict.fromkeys(("calcium_se", "calcium_pe", "cleaned_se", "cleaned_pe", "cleaned_dice", "coronary_dice"))
    cases = {"heart": {**figures, "calcium_dice": dice}}
    return {"steps": steps, "parameters": 5_000_000, "seconds_per_step": 0.25, "cases": cases, **more}


def test_a_table_shows_what_did_not_run_and_compares_the_rest_with_cac_net():
    plan = Plan(steps=10, seeds=(0,), cases=("heart",))
    table_rows = [Row("A", peer="U-Net"), Row("B", peer="V-Net"), Row("C", peer="C", missing="not public"), CAC_NET]
    results = {("u-net", 0): _result(10, 0.25), (CAC_NET.run, 0): _result(10, 0.75)}
    lines = markdown(table_rows, results, plan).splitlines()
    dice, none = "0.250", "–"
    assert lines[2] == (
        f"| A | 5.00 M | 0.25 | {none} | {none} | {dice} | {none} | {none} | {none} | {none} | -0.500 |"
    )
    assert lines[3].startswith("| B | not run |")
    assert lines[4].startswith("| C | not run: not public |")
    assert "| 0.750 |" in lines[5]


def test_a_table_gives_the_interval_of_two_hearts():
    plan = Plan(steps=10, seeds=(0,), cases=("heart", "other"))
    result = _result(10, 0.5)
    result["cases"]["other"] = {**result["cases"]["heart"], "calcium_dice": 0.7}
    assert "| 0.600 (0.500 to 0.700) |" in markdown([CAC_NET], {(CAC_NET.run, 0): result}, plan)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (_result(4, 0.5), "seed 0 not finished: 4 of 10 steps"),
        (_result(10, 0.5) | {"cases": {}}, "seed 0 not finished: 0 of 1 cases scored"),
        (_result(3, 0.5, failed="the loss at step 3 is nan"), "seed 0 failed: the loss at step 3 is nan"),
        ({}, "not run"),
        (_result(10, 0.5), ""),
    ],
)
def test_a_run_that_is_not_complete_has_no_figures(result, said):
    assert state_of(CAC_NET, {(CAC_NET.run, 0): result}, Plan(10, (0,), ("heart",))) == said


@pytest.fixture
def small_table(monkeypatch):
    small = NetworkConfig(widths=(4, 8, 8, 8, 8), conditioner_width=8)
    one = NetworkConfig(widths=(4, 8, 8, 8, 8), conditioner=False, alignment=False, classes=1)
    table = (Row("both", network=small), Row("calcium alone", network=one))
    monkeypatch.setitem(rows.TABLES, 2, table)
    return table


def _compare(tmp_path, *more):
    options = ["--table", "2", "--cases", tmp_path / "cases", "--validation", tmp_path / "held-out"]
    options += ["--output", tmp_path / "out", "--patch", "64", "--workers", "0", "--device", "cpu"]
    return comparison.main([str(option) for option in (*options, *more)])


def test_a_comparison_stops_resumes_and_is_the_same_as_one_that_was_never_stopped(tmp_path, small_table, monkeypatch):
    write_tube(tmp_path / "cases" / "a", seed=1)
    write_tube(tmp_path / "held-out" / "b", seed=2)
    assert _compare(tmp_path, "--steps", "2", "--max-minutes", "1e-9") == 0
    assert "| both | not run |" in (tmp_path / "out" / "comparison.md").read_text("utf-8")

    train, saved = comparison.train_together, []
    monkeypatch.setattr(comparison, "train_together", lambda learners, cases, left: train(learners, cases, _once()))
    assert _compare(tmp_path, "--steps", "2") == 0  # one step of each
    assert "not finished: 1 of 2 steps" in (tmp_path / "out" / "comparison.md").read_text("utf-8")
    monkeypatch.setattr(comparison, "train_together", train)
    assert _compare(tmp_path, "--steps", "2") == 0
    saved.append(_results(tmp_path / "out"))

    options = ("--steps", "2", "--output", tmp_path / "whole", "--workers", "1")
    assert _compare(tmp_path, *options) == 0
    saved.append(_results(tmp_path / "whole"))
    assert saved[0] == saved[1]
    assert saved[0]["cac-net-2-class-cfc-gp"]["b"]["coronary_dice"] is not None
    assert saved[0]["cac-net-1-class-gp"]["b"]["coronary_dice"] is None


def _once():
    """Time left for the first step only."""
    answers = iter([1.0])
    return lambda: next(answers, 0.0)


def _results(folder):
    files = folder.glob("*/seed-0/result.json")
    return {path.parent.parent.name: json.loads(path.read_text("utf-8"))["cases"] for path in files}


def test_a_folder_with_another_comparison_is_refused(tmp_path, small_table, capsys):
    write_tube(tmp_path / "cases" / "a")
    write_tube(tmp_path / "held-out" / "b")
    assert _compare(tmp_path, "--steps", "2", "--max-minutes", "0") == 0
    assert _compare(tmp_path, "--steps", "3", "--max-minutes", "0") == 2
    assert "other steps" in capsys.readouterr().err


def test_a_comparison_without_cases_is_refused(tmp_path, capsys):
    assert _compare(tmp_path, "--steps", "2") == 2
    assert "no case" in capsys.readouterr().err
