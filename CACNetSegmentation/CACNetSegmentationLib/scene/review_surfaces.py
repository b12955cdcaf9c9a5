"""Lesions in three dimensions: one small surface each, so that an edit remakes only what it touched.

Slicer's own conversion makes the surface of a whole segment anew, a tenth of a second for each; these are put in its
place as the segment's closed surface.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import slicer
import vtk
from cacnet.edits.review import Review, ReviewedLesion, voxels_of
from cacnet.lesions import crop_around
from cacnet.volume import Geometry

from CACNetSegmentationLib.scene.review_segments import DEFINITIONS, REJECTED_NUMBER
from CACNetSegmentationLib.scene.volumes import ijk_to_ras_matrix, image_data

SMOOTHING_ITERATIONS = 15
SMOOTHING_PASS_BAND = 0.1
"""Takes the steps of the voxels away and hardly any volume."""


class LesionSurfaces:
    """The surfaces of one scan's lesions, each kept until its voxels change."""

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        self._known: dict[int, tuple[np.ndarray, vtk.vtkPolyData]] = {}

    def of(self, lesion: ReviewedLesion) -> vtk.vtkPolyData:
        """The surface of a lesion, in RAS mm."""
        known = self._known.get(lesion.id)
        if known is None or known[0] is not lesion.index:
            known = (lesion.index, surface_of(lesion.index, self._geometry))
            self._known[lesion.id] = known
        return known[1]

    def show(self, segmentation: slicer.vtkSegmentation, review: Review, changed: Collection[int] = ()) -> None:
        """Make the lesions' surfaces those of their segments, where they changed (numbers) or have none."""
        for lesion_id in self._known.keys() - review.lesions.keys():
            del self._known[lesion_id]
        for number, definition in DEFINITIONS.items():
            segment = segmentation.GetSegment(definition.segment_id)
            if segment is None:
                continue
            if number not in changed and segment.GetRepresentation(closed_surface()) is not None:
                continue
            lesions = [x for x in review.lesions.values() if (x.vessel if x.counts else REJECTED_NUMBER) == number]
            segment.AddRepresentation(closed_surface(), _together([self.of(lesion) for lesion in lesions]))
            segmentation.InvokeEvent(slicer.vtkSegmentation.RepresentationModified, definition.segment_id)


def surface_of(index: np.ndarray, geometry: Geometry) -> vtk.vtkPolyData:
    """The smoothed surface of voxels (flat indices), in RAS mm."""
    box, mask = crop_around(voxels_of(index, geometry.shape_zyx), geometry.shape_zyx)
    # A rim on every side, also at the scan's edge, closes the surface; the origin moves by the same voxel.
    rimmed = np.pad(mask.astype(np.uint8), 1)
    surface = vtk.vtkDiscreteFlyingEdges3D()
    surface.SetInputData(image_data(rimmed))
    surface.SetValue(0, 1)
    smooth = vtk.vtkWindowedSincPolyDataFilter()
    smooth.SetInputConnection(surface.GetOutputPort())
    smooth.SetNumberOfIterations(SMOOTHING_ITERATIONS)
    smooth.SetPassBand(SMOOTHING_PASS_BAND)
    smooth.NormalizeCoordinatesOn()
    to_ras = vtk.vtkTransform()
    to_ras.SetMatrix(ijk_to_ras_matrix(geometry.crop(box)))
    to_ras.Translate(-1.0, -1.0, -1.0)
    placed = vtk.vtkTransformPolyDataFilter()
    placed.SetInputConnection(smooth.GetOutputPort())
    placed.SetTransform(to_ras)
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(placed.GetOutputPort())
    normals.SplittingOff()
    normals.AutoOrientNormalsOn()
    normals.Update()
    return normals.GetOutput()


def closed_surface() -> str:
    """The name of the representation that 3-D views show."""
    return slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()


def _together(parts: list[vtk.vtkPolyData]) -> vtk.vtkPolyData:
    if not parts:
        return vtk.vtkPolyData()
    append = vtk.vtkAppendPolyData()
    for part in parts:
        append.AddInputData(part)
    append.Update()
    return append.GetOutput()
