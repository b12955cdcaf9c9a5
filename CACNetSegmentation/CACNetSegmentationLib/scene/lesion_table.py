"""The lesions of a result as a table node whose columns are typed, titled and carry their units."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import slicer
import vtk
from cacnet.errors import CacnetError


class LesionTableError(CacnetError):
    """The lesion list lacks a column or holds something that is no number."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: as in lesions.csv, and as the column's name in the node.
        title: what the reader sees.
        unit: '' where there is none.
        kind: str, int or float.
    """

    name: str
    title: str
    unit: str
    kind: type


COLUMNS = (
    Column("id", "Lesion", "", int),
    Column("vessel", "Artery", "", str),
    Column("volume_mm3", "Volume", "mm³", float),
    Column("agatston", "Agatston equivalent", "", float),
    Column("mass_mg", "Mass", "mg", float),
    Column("max_hu", "Highest", "HU", float),
    Column("mean_hu", "Mean", "HU", float),
    Column("slices", "Slices", "", int),
    Column("r", "R", "mm", float),
    Column("a", "A", "mm", float),
    Column("s", "S", "mm", float),
    Column("confidence", "Confidence", "", float),
    Column("counts", "Counted", "", str),
)

_ARRAYS = {str: vtk.vtkStringArray, int: vtk.vtkIntArray, float: vtk.vtkDoubleArray}


def read_lesions(path: Path) -> list[dict[str, str]]:
    """The rows of a lesions.csv, one per lesion, in its order. Raises LesionTableError where a column is missing."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [column.name for column in COLUMNS if column.name not in (reader.fieldnames or ())]
        if missing:
            raise LesionTableError(f"'{path.name}' has no column {', '.join(missing)}", "a lesions.csv of this version")
        return list(reader)


def create_lesion_table(
    scene: slicer.vtkMRMLScene, rows: Sequence[Mapping[str, object]], name: str
) -> slicer.vtkMRMLTableNode:
    """A new, locked table node with one row per lesion.

    Args:
        rows: values by column name, as text or numbers; an empty number means that it is not known, and stays NaN.

    Raises:
        LesionTableError: a value is missing or is no number; nothing is added to the scene.
    """
    arrays = [_array(column, rows) for column in COLUMNS]
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    for column, array in zip(COLUMNS, arrays, strict=True):
        node.AddColumn(array)
        title = f"{column.title} ({column.unit})" if column.unit else column.title
        node.SetColumnTitle(column.name, title)
        if column.unit:
            node.SetColumnUnitLabel(column.name, column.unit)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
    return node


def _array(column: Column, rows: Sequence[Mapping[str, object]]) -> vtk.vtkAbstractArray:
    array = _ARRAYS[column.kind]()
    array.SetName(column.name)
    for row in rows:
        array.InsertNextValue(_value(column, row))
    return array


def _value(column: Column, row: Mapping[str, object]) -> str | int | float:
    try:
        value = row[column.name]
        if column.kind is float and value in ("", None):
            return float("nan")
        return column.kind(value)
    except (KeyError, TypeError, ValueError) as error:
        raise LesionTableError(
            found=f"lesion '{row.get('id', '?')}' has {row.get(column.name)!r} in column '{column.name}'",
            expected={str: "a text", int: "a whole number", float: "a number"}[column.kind],
        ) from error
