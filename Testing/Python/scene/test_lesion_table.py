"""Lesions become a table that Slicer shows, sorts and saves."""

import math

import pytest

slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
from cacnet.report import LESION_COLUMNS  # noqa: E402
from CACNetSegmentationLib.scene.lesion_table import (  # noqa: E402
    COLUMNS,
    LesionTableError,
    create_lesion_table,
    read_lesions,
)

HEADER = "id,vessel,volume_mm3,agatston,mass_mg,max_hu,mean_hu,slices,r,a,s,confidence,counts"
LAD = "1,LAD,12.5,40.1,9.75,981,700.5,4,-10.5,20.25,1033.0,0.91,yes"
RCA = "2,RCA,3.0,8,,655,610,1,30,5,1001,,no"


def _csv(tmp_path, *lines):
    path = tmp_path / "lesions.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def table_node(scene, tmp_path):
    return create_lesion_table(scene, read_lesions(_csv(tmp_path, HEADER, LAD, RCA)), "Lesions")


def test_one_row_per_lesion_in_the_order_of_the_file(table_node):
    table = table_node.GetTable()
    assert table.GetNumberOfRows() == 2
    assert [table.GetValueByName(row, "vessel").ToString() for row in range(2)] == ["LAD", "RCA"]
    assert table.GetValueByName(0, "volume_mm3").ToDouble() == 12.5
    assert table.GetValueByName(0, "s").ToDouble() == 1033.0


def test_columns_are_typed_so_that_they_sort_as_numbers(table_node):
    types = {column.name: table_node.GetTable().GetColumnByName(column.name).GetClassName() for column in COLUMNS}
    assert types["vessel"] == "vtkStringArray"
    assert types["slices"] == "vtkIntArray"
    assert types["agatston"] == "vtkDoubleArray"


def test_columns_carry_title_and_unit(table_node):
    assert table_node.GetColumnTitle("volume_mm3") == "Volume (mm³)"
    assert table_node.GetColumnUnitLabel("max_hu") == "HU"
    assert table_node.GetColumnTitle("agatston") == "Agatston equivalent"
    assert table_node.GetUseColumnTitleAsColumnHeader()


def test_an_unknown_mass_is_not_a_zero(table_node):
    assert math.isnan(table_node.GetTable().GetValueByName(1, "mass_mg").ToDouble())


def test_the_columns_are_those_that_the_result_is_written_with():
    assert [column.name for column in COLUMNS if column.name not in LESION_COLUMNS] == []


def test_no_lesions_make_an_empty_table_with_all_columns(scene):
    node = create_lesion_table(scene, [], "Lesions")
    assert node.GetNumberOfColumns() == len(COLUMNS)
    assert node.GetNumberOfRows() == 0


def test_further_columns_of_the_file_are_left_out(scene, tmp_path):
    rows = read_lesions(_csv(tmp_path, HEADER + ",note", LAD + ",hello"))
    assert create_lesion_table(scene, rows, "Lesions").GetNumberOfColumns() == len(COLUMNS)


def test_a_file_without_a_column_is_refused_by_its_name(tmp_path):
    with pytest.raises(LesionTableError, match="no column mean_hu, slices"):
        read_lesions(_csv(tmp_path, "id,vessel,volume_mm3,agatston,mass_mg,max_hu,r,a,s,confidence,counts"))


@pytest.mark.parametrize(("column", "value"), [("agatston", "many"), ("slices", ""), ("slices", "1.5")])
def test_a_value_that_is_no_number_is_refused_and_nothing_is_added(scene, tmp_path, column, value):
    rows = read_lesions(_csv(tmp_path, HEADER, LAD))
    rows[0][column] = value
    with pytest.raises(LesionTableError, match=f"lesion '1' has .* in column '{column}'"):
        create_lesion_table(scene, rows, "Lesions")
    assert scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0
