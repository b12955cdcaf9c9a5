"""What lies inside the blood pools: trabeculae, papillary muscles with their chordae, and valve leaflets."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from cacnet.phantom.canvas import Box
from cacnet.phantom.heart_sampling import CoarseField
from cacnet.phantom.heart_template import (
    AORTIC_AXIS,
    AORTIC_CENTRE,
    LV_A,
    LV_AXES,
    LV_BASE,
    LV_S,
    LV_T,
    MITRAL_CENTRE,
    TRICUSPID_CENTRE,
    TRICUSPID_NORMAL,
    HeartTemplate,
    in_ventricle,
    unit,
)
from cacnet.phantom.patient import Patient
from cacnet.phantom.shapes import HalfSpace, Shape, Tube

DEPTH_MM = {"right ventricle": 18.0, "left ventricle": 8.0, "right atrium": 6.0}
STRAND_SIZE_MM = {"right ventricle": 7.5, "left ventricle": 7.0, "right atrium": 6.0}


def paint_trabeculae(
    field: CoarseField, blood: Shape, muscle: np.ndarray, rng: np.random.Generator, chamber: str
) -> None:
    """Strands of muscle along the wall of a chamber, densest towards the apex, longer than wide.

    A strand is where two independent noise fields are both near zero: their zero surfaces meet in curves.
    """
    distance = field.distance(blood)
    found = field.fine(distance, distance < 0)
    if found is None:
        return
    box, fine = found
    size = STRAND_SIZE_MM[chamber] * float(rng.uniform(0.85, 1.3)) * field.scale
    first, second = (_stretched_noise(rng, box, size) for _ in range(2))
    along = field.fine_in(HalfSpace(LV_BASE, LV_A)(field.points), box)
    atrial = chamber == "right atrium"
    apical = np.float32(0.4) if atrial else np.clip((along - 5.0) / 60.0, 0, 1)
    # None grow on the valve's ring.
    present = np.clip((-10.0 - along if atrial else along - 2.0) / 12.0, 0, 1)
    depth = -fine / np.float32(DEPTH_MM[chamber] * (0.7 + 0.6 * apical))
    radius = (1.0 + 1.2 * apical) * np.clip(1.3 - depth, 0, 1) * present
    strand = np.sqrt(first**2 + second**2) * np.float32(0.33 * size) - radius
    ridge = 0.5 - fine - np.clip(2.0 * first, 0, None) * (0.5 + apical) * present
    signed = np.maximum(np.minimum(strand, ridge), fine)
    signed = np.where(radius > 0, signed, 5.0)
    field.canvas.paint(box, field.canvas.coverage(signed), field.fine_in(muscle, box))


def paint_papillary_muscles(
    field: CoarseField, template: HeartTemplate, muscle: np.ndarray, rng: np.random.Generator
) -> None:
    """Two papillary muscles of one to three heads each, with chordae to the mitral leaflets; moderator band."""
    size = template.lv_size
    for angle_deg in (225.0, 118.0):
        angle = np.radians(angle_deg + rng.normal(0, 9))
        for _ in range(int(rng.integers(1, 4))):
            turn = angle + rng.normal(0, 0.22)
            foot, head = rng.uniform(56, 66), rng.uniform(27, 36)
            places = ((foot, 20.0), (0.5 * (foot + head), 17.5), (head, 13.5))
            path = [_polar(along, across * size, turn) for along, across in places]
            _paint_tube(field, path, [rng.uniform(3.5, 5.5), rng.uniform(3.0, 5.0), rng.uniform(1.5, 2.8)], muscle)
            for _ in range(2):
                leaflet = MITRAL_CENTRE + 15 * LV_A + rng.uniform(5, 10) * (np.cos(turn) * LV_S + np.sin(turn) * LV_T)
                _paint_tube(field, [path[2], leaflet], [0.5, 0.35], muscle)
    if rng.random() < 0.8:
        band = [in_ventricle(46, 33, 6), in_ventricle(52, 41, 2), in_ventricle(48, 54, 0)]
        _paint_tube(field, band, list(rng.uniform(1.3, 3.0, 3)), muscle)


def paint_valves(field: CoarseField, template: HeartTemplate, patient: Patient) -> None:
    """Thin leaflets: the aortic valve closed, mitral and tricuspid as open funnels."""
    rng = patient.rng("valves")
    hu = patient.attenuation.myocardium + 25.0
    nodes = aortic_leaflet_distance(field.points, template) * np.float32(field.scale)
    _paint_fine(field, nodes, hu, 0.9)
    scale = np.float32(field.scale)
    for centre, axis, towards, radius, lengths, opacity in (
        (MITRAL_CENTRE, LV_A, LV_S, 16.0, (21.0, 10.0), 0.8),
        (TRICUSPID_CENTRE, TRICUSPID_NORMAL, LV_A, 17.0, (19.0, 14.0), 0.5),
    ):
        tilt = float(rng.uniform(0.25, 0.75))
        sheet = _open_leaflets(field.points, centre, axis, towards, radius, lengths, tilt)
        _paint_fine(field, (sheet * scale).astype(np.float32), hu, opacity)


def _open_leaflets(
    points: np.ndarray,
    centre: np.ndarray,
    axis: np.ndarray,
    towards: np.ndarray,
    radius: float,
    lengths: tuple[float, float],
    tilt: float,
) -> np.ndarray:
    """Distance to two leaflets that hang from a ring into the ventricle: a funnel cut open at its two commissures."""
    side = unit(towards - axis * (axis @ towards))
    along = HalfSpace(centre, axis)(points)
    u, v = HalfSpace(centre, side)(points), HalfSpace(centre, np.cross(axis, side))(points)
    across, angle = np.hypot(u, v), np.abs(np.arctan2(v, u))
    first = angle < 1.25
    length = np.where(first, lengths[0] * np.cos(angle * 1.1), lengths[1] * np.cos((np.pi - angle) * 0.8))
    sheet = np.abs(across - (radius - tilt * along)) - 0.5
    return np.maximum(sheet, np.maximum(3.0 - along, along - length))


def aortic_leaflet_distance(points: np.ndarray, template: HeartTemplate) -> np.ndarray:
    """Distance to the closed aortic valve: three cups that hang from the wall and meet in a three-pointed star."""
    radius = template.root_radius_mm * 0.9
    offset = [points[i] - np.float32(AORTIC_CENTRE[i]) for i in range(3)]
    height = sum(np.float32(AORTIC_AXIS[i]) * offset[i] for i in range(3))
    first = template.sinus_directions[0]
    second = np.cross(AORTIC_AXIS, first)
    u = sum(np.float32(first[i]) * offset[i] for i in range(3))
    v = sum(np.float32(second[i]) * offset[i] for i in range(3))
    across = np.sqrt(u * u + v * v)
    part = np.clip(across / radius, 0, 1.3)
    commissure = 0.5 - 0.5 * np.cos(3 * np.arctan2(v, u))
    cup = 8.0 * (1 - part**2) + 13.0 * part * commissure**4
    sheet = np.abs(height - cup) * 0.7 - 0.45
    from_star = across * np.abs(np.cos(1.5 * np.arctan2(v, u))) * 0.67
    star = np.maximum(from_star - 0.5, np.abs(height - cup - 1.5) - 2.0)
    return np.maximum(np.minimum(sheet, star), across - radius * 1.12).astype(np.float32)


def _paint_fine(field: CoarseField, nodes: np.ndarray, hu: float, opacity: float) -> None:
    found = field.fine(nodes, nodes < 1.5)
    if found is not None:
        box, fine = found
        field.canvas.paint(box, np.float32(opacity) * field.canvas.coverage(fine), hu)


def _paint_tube(field: CoarseField, points: list, radii_mm: list, muscle: np.ndarray) -> None:
    nodes = field.distance(Tube.through(points, radii_mm))
    found = field.fine(nodes, nodes < 2.5)
    if found is not None:
        box, fine = found
        field.canvas.paint(box, field.canvas.coverage(fine), field.fine_in(muscle, box))


def _polar(along_mm: float, across_mm: float, angle: float) -> np.ndarray:
    return in_ventricle(along_mm, across_mm * np.cos(angle), across_mm * np.sin(angle))


def _stretched_noise(rng: np.random.Generator, box: Box, size_mm: float) -> np.ndarray:
    """Unit-variance noise on a box's voxels, its features twice as long along the ventricle as across."""
    lattice = gaussian_filter(rng.standard_normal((40, 40, 40), np.float32), 1.2, mode="wrap")
    lattice /= lattice.std()
    cells = np.array([0.45, 1.0, 1.0])[:, None] * LV_AXES * (2.6 / size_mm)
    index = [
        np.float32(row[0]) * box.x_mm + np.float32(row[1]) * box.y_mm + np.float32(row[2]) * box.z_mm for row in cells
    ]
    return map_coordinates(lattice, index, order=1, mode="grid-wrap")
