"""The right coronary artery with its branches, and the posterior arteries that either side may give off."""

from __future__ import annotations

import numpy as np

from cacnet.phantom.coronary_layout import RCA, Layout
from cacnet.phantom.coronary_routes import POSTERIOR_GROOVE_DEG, on_tricuspid_ring, on_ventricle
from cacnet.phantom.heart_template import RIGHT_CORONARY_WAY, in_ventricle, unit


def lay_right(layout: Layout, sizes: dict[int, float], sex: float) -> None:
    rng, template, dominance = layout.rng, layout.template, layout.patient.dominance
    ostium, out = template.right_ostium, unit(template.right_ostium - template.sinus_centre)
    rv, ra = template.right_ventricle.outer, template.right_atrium.outer
    angles = {"left": (75, 105, 130), "right": (75, 105, 135, 165, 195), "co": (75, 105, 135, 165, 195)}[dominance]
    way = [np.asarray(point) + rng.normal(0, 0.8, 3) for point in RIGHT_CORONARY_WAY]
    guides = [
        ostium - 2.5 * out,
        ostium + 2 * out,
        *way[1:],
        *(on_tricuspid_ring(a + rng.normal(0, 3)) for a in angles),
    ]
    if dominance != "left":
        guides += [np.array([-19.0, 3.0, -26.0]), on_ventricle(template, -1, POSTERIOR_GROOVE_DEG + 4)]
    course = layout.settled(guides, [rv, ra], 3.0, (0.3, 0.5), 5.0, 30.0)
    distal = {"right": 2.7, "co": 2.2, "left": 1.4}[dominance] * sex
    rca = layout.add("RCA", RCA, course, (sizes[RCA], distal))
    _add_right_branches(layout, rca, sex)
    if dominance != "left":
        lay_posterior(layout, rca, RCA, sex, descending=True, lateral=dominance == "right")


def _add_right_branches(layout: Layout, rca: int, sex: float) -> None:
    rng = layout.rng
    rv = layout.template.right_ventricle.outer
    conus = [np.array(p) for p in ([-6.0, -46.0, 22.0], [4.0, -56.0, 19.0], [15.0, -52.0, 16.0])]
    ventricular = [in_ventricle(*p) for p in ((12, 62, -2), (28, 57, -2), (44, 50, 0))]
    acute = [in_ventricle(*p) for p in ((14, 55, 24), (32, 48, 21), (54, 39, 16), (64, 33, 12))]
    routes = (
        ("CB", 7.0, conus, 1.4, 0.9),
        ("RVB", rng.uniform(35, 50), ventricular, 1.6, 0.9),
        ("AM", rng.uniform(62, 85), acute, 2.0, 0.8),
    )
    for name, start, guides, proximal, distal in routes:
        if rng.random() < 0.25 or start > layout.branches[rca].length_mm - 10:
            continue
        index, root = layout.at(rca, float(start))
        jittered = [guide + rng.normal(0, 2.5, 3) for guide in guides]
        course = layout.settled([root, *jittered], [rv], 1.6, (0.3, 0.8), 3.0)
        layout.add(name, RCA, course, (proximal * sex * rng.uniform(0.85, 1.2), distal), rca, index)


def lay_posterior(layout: Layout, parent: int, vessel: int, sex: float, descending: bool, lateral: bool = True) -> None:
    """Posterior descending artery in the posterior interventricular groove, and posterolateral branches."""
    rng, template = layout.rng, layout.template
    lv, rv = template.left_ventricle.outer, template.right_ventricle.outer
    length = layout.branches[parent].length_mm
    calibre = layout.branches[parent].radius_mm[-1] * 2
    if descending:
        index, root = layout.at(parent, length - 4.0)
        guides = [root, *(layout.on(a, POSTERIOR_GROOVE_DEG) for a in (8, 20, 34, 46, rng.uniform(54, 66)))]
        course = layout.settled(guides, [lv, rv], 1.8, (0.3, 0.8), 3.0)
        layout.add("PDA", vessel, course, (min(2.2 * sex, calibre), 1.1), parent, index)
    if not lateral:
        return
    for number in range(1, int(rng.integers(2, 4))):
        index, root = layout.at(parent, length - 1.5 if number == 1 else length - rng.uniform(5, 12))
        side = 1 if vessel == RCA else -0.2
        far = POSTERIOR_GROOVE_DEG + 25 + 28 * number * side
        reach = rng.uniform(26, 48)
        guides = [
            root,
            layout.on(1, POSTERIOR_GROOVE_DEG + 22 * side),
            *(layout.on(4 + f * reach, far) for f in (0.3, 0.65, 1.0)),
        ]
        course = layout.settled(guides, [lv], 1.7, (0.3, 0.8), 3.0)
        layout.add(f"PL{number}", vessel, course, (min(1.9 * sex, calibre), 1.0), parent, index)
