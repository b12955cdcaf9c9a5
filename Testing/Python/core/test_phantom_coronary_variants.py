"""Variants of the tree come in their published shares."""

import numpy as np
import pytest
from cacnet.phantom.coronary_variants import draw_variant


@pytest.fixture(scope="module")
def variants():
    return [draw_variant(np.random.default_rng(seed)) for seed in range(3000)]


def share(variants, of):
    return sum(bool(of(v)) for v in variants) / len(variants)


def test_rare_variants_are_rare_but_present(variants):
    assert 0.002 < share(variants, lambda v: not v.left_main) < 0.02
    assert 0.01 < share(variants, lambda v: v.dual_descending) < 0.04
    assert 0.01 < share(variants, lambda v: v.ectasia[1] > 1) < 0.05
    assert 0.05 < share(variants, lambda v: v.second_posterior) < 0.12


def test_a_quarter_has_an_intermediate_artery(variants):
    assert share(variants, lambda v: v.ramus) == pytest.approx(0.26, abs=0.04)


def test_the_left_main_is_about_a_centimetre_long_and_varies(variants):
    lengths = np.array([v.left_main_mm for v in variants])
    assert 7.5 < lengths.mean() < 11
    assert (lengths < 4).mean() > 0.01
    assert lengths.max() <= 22


def test_the_anterior_descending_artery_ends_before_at_or_beyond_the_apex(variants):
    past = np.array([v.past_apex_mm for v in variants])
    assert (past < -5).mean() == pytest.approx(0.1, abs=0.03)
    assert (past > 14).mean() == pytest.approx(0.55, abs=0.05)
