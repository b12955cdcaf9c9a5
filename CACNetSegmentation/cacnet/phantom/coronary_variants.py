"""Which variant of the coronary tree a patient has, drawn once so that every part of the tree knows it.

Probabilities are rounded from what CT series usually report, not checked against one source: absent left main .4-1 %,
ramus 20-30 %, dual LAD 1-4 %, sinus-node artery from the RCA 60 and from the LCx 40 %, a second PDA in about 8 %,
diffuse small vessels 5 %, ectasia 1-5 %. The LAD wraps far around the apex in 55 %, so that its mean length fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NO_LEFT_MAIN = 0.008
RAMUS = 0.26
TRIFURCATION = 0.7
"""Of the ramus arteries, those that leave the very end of the left main."""
DUAL_DESCENDING = 0.02
SECOND_POSTERIOR = 0.08
NODE_FROM_RIGHT, NODE_FROM_CIRCUMFLEX = 0.58, 0.34
SMALL_CALIBRE, ECTASIA = 0.05, 0.025


@dataclass(frozen=True)
class Variant:
    """The variant of one patient's tree.

    Attributes:
        left_main: False where LAD and LCx leave the aorta side by side.
        ramus: whether there is an intermediate artery; trifurcation: whether it leaves the left main's end.
        dual_descending: a short LAD in the groove and a long one beside it.
        past_apex_mm: how far the LAD goes on behind the apex; negative where it ends before it.
        sinus_node: 'RCA', 'LCx' or 'none', the parent of a sinus-node artery that can be seen.
        narrowing: factor of the calibre at the far end of every vessel; 1 ordinary, below it small-vessel disease.
        ectasia: factor of all calibres of one vessel, and its number; 1 ordinary.
    """

    left_main: bool
    left_main_mm: float
    ramus: bool
    trifurcation: bool
    dual_descending: bool
    past_apex_mm: float
    second_posterior: bool
    sinus_node: str
    narrowing: float
    ectasia: tuple[int, float]


def draw_variant(rng: np.random.Generator) -> Variant:
    """The variant of a patient."""
    chance = dict(zip(("lm", "ramus", "tri", "dual", "pda", "node", "small", "ectasia"), rng.random(8), strict=True))
    node = chance["node"]
    from_circumflex = node < NODE_FROM_RIGHT + NODE_FROM_CIRCUMFLEX
    return Variant(
        left_main=bool(chance["lm"] >= NO_LEFT_MAIN),
        left_main_mm=float(np.clip(rng.lognormal(np.log(8.5), 0.42), 1.5, 22)),
        ramus=bool(chance["ramus"] < RAMUS),
        trifurcation=bool(chance["tri"] < TRIFURCATION),
        dual_descending=bool(chance["dual"] < DUAL_DESCENDING),
        past_apex_mm=float(rng.choice([-10.0, 10.0, 27.0], p=[0.1, 0.35, 0.55]) + rng.uniform(-3, 4)),
        second_posterior=bool(chance["pda"] < SECOND_POSTERIOR),
        sinus_node="RCA" if node < NODE_FROM_RIGHT else "LCx" if from_circumflex else "none",
        narrowing=float(rng.uniform(0.65, 0.8) if chance["small"] < SMALL_CALIBRE else np.exp(rng.normal(0, 0.06))),
        ectasia=(int(rng.integers(2, 5)), float(rng.uniform(1.3, 1.7)) if chance["ectasia"] < ECTASIA else 1.0),
    )
