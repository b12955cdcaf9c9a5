"""Cardiac veins: coronary sinus, great, middle, posterior and marginal vein, clear of arteries and muscle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial import cKDTree

from cacnet.phantom.coronary_layout import Layout
from cacnet.phantom.coronary_routes import Rule, arc_length, settle
from cacnet.phantom.coronary_tree import Branch
from cacnet.phantom.heart import Heart
from cacnet.phantom.patient import Patient


def lay_veins(patient: Patient, heart: Heart, arteries: tuple[Branch, ...]) -> tuple[Branch, ...]:
    """Coronary sinus with the great cardiac vein, middle cardiac vein and a posterior vein, clear of the arteries."""
    layout = Layout(patient, heart, patient.rng("cardiac veins"))
    rng, template = layout.rng, layout.template
    lv = template.left_ventricle.outer
    mouth = np.array([-25.0, 6.0, -14.0])
    sinus = [mouth, np.array([-14.0, 13.0, -17.0]), *(layout.on(-4, a) for a in (72, 95, 122, 150, 176, -160, -135))]
    great = [
        *(layout.on(-2, a) for a in (-115, -95)),
        layout.on(3, -78),
        *(layout.on(a, -71) for a in (14, 28, 42, 56, 68)),
    ]
    course = layout.settled([*sinus, *great], [lv], 3.4, (0.3, 0.6), 8.0)
    stem = layout.add("coronary sinus", 0, course, (rng.uniform(7, 11), rng.uniform(1.4, 2.2)))
    length = layout.branches[stem].length_mm
    for name, part, angle, calibre in (
        ("middle vein", 0.10, 70.0, 3.4),
        ("posterior vein", 0.2, 125.0, 2.6),
        ("marginal vein", 0.36, -172.0, 2.2),
    ):
        if rng.random() < 0.15:
            continue
        index, root = layout.at(stem, part * length)
        guides = [root, *(layout.on(a, angle) for a in (8, 22, 36, rng.uniform(46, 62)))]
        layout.add(
            name,
            0,
            layout.settled(guides, [lv], 2.4, (0.3, 0.9), 4.0),
            (calibre * rng.uniform(0.7, 1.2), 1.2),
            stem,
            index,
        )
    return tuple(_clear_of(vein, arteries, heart) for vein in layout.branches)


def _clear_of(vein: Branch, arteries: tuple[Branch, ...], heart: Heart) -> Branch:
    """The vein pushed aside, smoothly, wherever it would run into an artery or into a chamber."""
    points = vein.points_mm.copy()
    centres = np.concatenate([b.points_mm for b in arteries])
    radii = np.concatenate([b.radius_mm for b in arteries])
    tree = cKDTree(centres)
    free = np.clip(arc_length(points) / 6.0 - 1.5, 0, 1) if vein.parent < 0 else np.ones(len(points))
    clear = Rule(heart.template.epicardium, (vein.radius_mm + 0.4) / heart.frame.scale, 1.0, at_least=True)
    for _ in range(5):
        distance, nearest = tree.query(points)
        missing = np.maximum(vein.radius_mm + radii[nearest] + 0.9 - distance, 0.0)
        away = (points - centres[nearest]) / np.maximum(distance, 0.2)[:, None]
        points += gaussian_filter1d(away * missing[:, None], 6, axis=0)
        inner = settle(heart.frame.to_template(points.T).T, [clear], free, rounds=2)
        points = gaussian_filter1d(heart.frame.to_patient(inner.T).T, 3, axis=0, mode="nearest")
    return replace(vein, points_mm=points)
