"""What a user does with the module, from the first click to the last; each function is one scenario on a `Bench`.

Only what a user sees and what Slicer offers to scripts is used. A scenario that cannot be played here raises
`NotHereError` with the reason; everything else that is raised is a failure.
"""

from __future__ import annotations

import gc
import itertools
import os
import time
from collections.abc import Callable

import slicer
from scenario_bench import LESION_AGATSTON, Bench, HiddenErrors, alive, results

SCENARIOS: list[Callable[[Bench], None]] = []
SLEEP = "stop_when_input_closes(); time.sleep(600)"
DEAF = "time.sleep(600)"
"""A worker that does not notice that it was cancelled."""


class NotHereError(Exception):
    """The scenario needs what this computer lacks."""


def scenario(function: Callable[[Bench], None]) -> Callable[[Bench], None]:
    SCENARIOS.append(function)
    return function


def play(function: Callable[[Bench], None], bench: Bench) -> str:
    """Play one scenario; returns what was measured. Raises also for exceptions that Qt or VTK swallowed."""
    errors = HiddenErrors()
    with errors.watched():
        try:
            function(bench)
        except AssertionError as error:
            error.add_note("Swallowed meanwhile: " + ("".join(errors.all()) or "nothing"))
            raise
        finally:
            bench.close()
    assert not errors.all(), "an exception was swallowed:\n" + "".join(errors.all())
    return ", ".join(bench.measured)


@scenario
def without_a_ct_nothing_can_be_run_and_the_panel_says_what_to_do(bench):
    assert not bench.ui.runButton.enabled
    assert not bench.ui.cancelButton.enabled
    assert "CT" in bench.ui.inputLabel.text
    bench.ui.runButton.click()
    assert not bench.running


@scenario
def a_run_brings_a_result_to_review(bench):
    bench.use_worker("finish()", results(3))
    ct = bench.add_ct()
    bench.run()
    assert bench.count("vtkMRMLSegmentationNode") == 1
    assert bench.ui.resultLabel.text.startswith(f"Agatston equivalent {3 * LESION_AGATSTON}")
    assert bench.rows() == 3
    assert bench.review.volume_node is ct
    assert bench.ui.runButton.enabled


@scenario
def a_cancelled_run_ends_within_a_second_and_leaves_nothing(bench):
    bench.use_worker(SLEEP)
    bench.add_ct()
    process = bench.start()
    nodes = bench.scene.GetNumberOfNodes()
    begin = time.monotonic()
    bench.ui.cancelButton.click()
    bench.wait_until(lambda: not bench.running)
    bench.within("cancel", time.monotonic() - begin, 1.0)
    bench.wait_until(lambda: not alive(process))
    assert bench.status == "Cancelled"
    assert bench.scene.GetNumberOfNodes() == nodes
    assert bench.ui.runButton.enabled


@scenario
def a_worker_that_does_not_listen_is_killed(bench):
    bench.use_worker(DEAF)
    bench.add_ct()
    process = bench.start()
    bench.ui.cancelButton.click()
    bench.wait_until(lambda: not bench.running and not alive(process))
    assert bench.status == "Cancelled"


@scenario
def a_crash_of_the_worker_is_told_in_a_sentence(bench):
    bench.use_worker("os.abort()")
    bench.add_ct()
    bench.run()
    assert "crashed" in bench.ui.findingsLabel.text
    assert bench.ui.findingsLabel.visible
    assert bench.ui.runButton.enabled
    assert bench.count("vtkMRMLSegmentationNode") == 0


@scenario
def a_worker_that_ends_without_a_result_is_a_failure(bench):
    bench.use_worker("sys.exit(0)")
    bench.add_ct()
    bench.run()
    assert "without a result" in bench.ui.findingsLabel.text


@scenario
def results_that_are_damaged_are_a_failure_and_add_nothing(bench):
    def damaged(folder):
        results(3)(folder)
        (folder / "review.json").write_text("{")

    bench.use_worker("finish()", damaged)
    bench.add_ct()
    nodes = bench.count("vtkMRMLSegmentationNode")
    bench.run()
    assert bench.ui.findingsLabel.text
    assert bench.count("vtkMRMLSegmentationNode") == nodes
    assert bench.review is None


@scenario
def the_workers_own_sentence_reaches_the_user(bench):
    bench.use_worker('say(event="error", name="OutOfMemoryError", message="The CT needs 9 GB."); sys.exit(3)')
    bench.add_ct()
    bench.run()
    assert "The CT needs 9 GB." in bench.ui.findingsLabel.text
    bench.use_worker("finish()", results(3))
    bench.run()
    assert bench.rows() == 3


@scenario
def erasing_in_a_segment_changes_the_table_and_undo_brings_it_back(bench):
    bench.use_worker("finish()", results(3))
    ct = bench.add_ct()
    bench.run()
    before, node = bench.review.summary, bench.review.segmentation_node
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, "LAD", ct)
    mask[:, :, :4] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, "LAD", ct)
    half = before.totals.agatston - LESION_AGATSTON / 2
    bench.wait_until(lambda: bench.review.summary.totals.agatston == half, 10)
    assert [row.id for row in bench.review.summary.lesions] == [row.id for row in before.lesions]
    bench.review_ui.undoButton.click()
    assert bench.review.summary.totals == before.totals
    assert slicer.util.arrayFromSegmentBinaryLabelmap(node, "LAD", ct)[:, :, :4].any()
    bench.review_ui.redoButton.click()
    assert bench.review.summary.totals.agatston == half


@scenario
def lesions_are_accepted_and_relabelled_by_the_buttons(bench):
    bench.use_worker("finish()", results(3))
    bench.add_ct()
    bench.run()
    bench.review_ui.lesionTable.selectRow(0)
    bench.review_ui.relabelLCxButton.click()
    assert [row.vessel.label for row in bench.review.summary.lesions].count("LCx") == 1
    bench.review_ui.lesionTable.selectRow(0)
    bench.review_ui.acceptButton.click()
    states = [str(row.state) for row in bench.review.summary.lesions]
    assert len(set(states)) == 2


@scenario
def a_saved_scene_brings_the_review_back(bench):
    bench.use_worker("finish()", results(3))
    bench.add_ct()
    bench.run()
    bench.review_ui.lesionTable.selectRow(1)
    bench.review_ui.relabelLMButton.click()
    bench.review_ui.acceptAllButton.click()
    before = [(row.id, row.vessel, row.state, row.agatston) for row in bench.review.summary.lesions]
    path = bench.path("case.mrb")
    assert slicer.util.saveScene(str(path)) is not False
    bench.scene.Clear(0)
    bench.process_events()
    assert bench.review is None
    slicer.util.loadScene(str(path))
    bench.widget.exit()
    bench.widget.enter()
    bench.wait_until(lambda: bench.review is not None, 20)
    assert [(row.id, row.vessel, row.state, row.agatston) for row in bench.review.summary.lesions] == before
    assert bench.count("vtkMRMLSegmentationNode") == 1


@scenario
def closing_the_scene_in_mid_run_ends_the_worker(bench):
    bench.use_worker(SLEEP)
    bench.add_ct()
    process = bench.start()
    bench.scene.Clear(0)
    assert not bench.running
    bench.wait_until(lambda: not alive(process))
    assert not bench.ui.runButton.enabled


@scenario
def a_ct_that_is_removed_in_mid_run_is_told(bench):
    bench.use_worker(f"while not os.path.exists({str(bench.path('go'))!r}): time.sleep(0.01)\nfinish()", results(3))
    ct = bench.add_ct()
    bench.start()
    bench.scene.RemoveNode(ct)
    bench.path("go").touch()
    bench.wait_until(lambda: not bench.running)
    assert "removed" in bench.ui.findingsLabel.text
    assert bench.count("vtkMRMLSegmentationNode") == 0


@scenario
def removing_the_result_closes_its_review(bench):
    bench.use_worker("finish()", results(3))
    bench.add_ct()
    bench.run()
    bench.scene.RemoveNode(bench.review.segmentation_node)
    bench.process_events()
    assert bench.review is None
    bench.run()
    assert bench.rows() == 3


@scenario
def two_cts_keep_their_own_results(bench):
    bench.use_worker("finish()", results(3))
    first = bench.add_ct("First")
    bench.run()
    bench.use_worker("finish()", results(5))
    second = bench.add_ct("Second", lesions=5)
    assert bench.review is None
    bench.run()
    assert bench.rows() == 5
    bench.choose(first)
    bench.wait_until(lambda: bench.review is not None and bench.review.volume_node is first, 10)
    assert bench.rows() == 3
    bench.choose(second)
    bench.wait_until(lambda: bench.rows() == 5, 10)


@scenario
def the_result_goes_to_the_ct_that_was_run(bench):
    bench.use_worker(f"while not os.path.exists({str(bench.path('go'))!r}): time.sleep(0.01)\nfinish()", results(3))
    first = bench.add_ct("First")
    bench.start()
    second = bench.add_ct("Second")
    bench.path("go").touch()
    bench.wait_until(lambda: not bench.running)
    node = bench.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert node.GetName().startswith("First")
    assert second.GetName() == "Second"
    assert first.GetName() == "First"


@scenario
def the_window_answers_during_a_run(bench):
    import qt

    bench.use_worker(
        "for n in range(500):\n    say(event='progress', stage=f'step {n}', fraction=n / 500); time.sleep(0.002)\n"
        "finish()",
        results(3),
    )
    bench.add_ct()
    ticks, timer = [], qt.QTimer()
    timer.interval = 20
    timer.connect("timeout()", lambda: ticks.append(time.monotonic()))
    timer.start()
    bench.ui.runButton.click()
    bench.wait_until(lambda: "step" in bench.status)
    bench.wait_until(lambda: "step" not in bench.status)
    timer.stop()
    gaps = [later - earlier for earlier, later in itertools.pairwise(ticks)]
    assert len(gaps) > 20
    bench.wait_until(lambda: not bench.running)
    bench.within("longest wait of the window", max(gaps), 0.1)


@scenario
def twenty_runs_leave_nothing_behind(bench):
    bench.use_worker("finish()", results(3))
    counts = []
    for _ in range(20):
        bench.add_ct()
        bench.run()
        bench.review_ui.acceptAllButton.click()
        bench.scene.Clear(0)
        bench.process_events()
        counts.append((bench.scene.GetNumberOfNodes(), *_objects("SceneReview", "Session", "Panel", "ReviewPanel")))
    assert counts[-1] == counts[2], f"nodes, reviews, sessions or panels grew: {counts}"
    bench.measured.append(f"{counts[-1][0]} nodes")


@scenario
def two_hundred_lesions_can_be_reviewed(bench):
    bench.use_worker("finish()", results(200))
    bench.add_ct(lesions=200)
    begin = time.monotonic()
    bench.run()
    bench.within("run, load and show", time.monotonic() - begin, 10)
    assert bench.rows() == 200
    bench.review_ui.lesionTable.selectRow(100)
    for button in (bench.review_ui.acceptButton, bench.review_ui.relabelRCAButton, bench.review_ui.undoButton):
        begin = time.monotonic()
        button.click()
        bench.process_events()
        bench.within(button.text, time.monotonic() - begin, 0.5)


@scenario
def a_result_without_calcium_says_so(bench):
    bench.use_worker("finish()", results(0))
    bench.add_ct(lesions=0)
    bench.run()
    assert bench.rows() == 0
    assert bench.review_ui.noLesionsLabel.visible


@scenario
def the_module_can_be_left_and_entered_during_a_run(bench):
    bench.use_worker(f"while not os.path.exists({str(bench.path('go'))!r}): time.sleep(0.01)\nfinish()", results(3))
    bench.add_ct()
    bench.start()
    bench.widget.exit()
    bench.path("go").touch()
    bench.wait_until(lambda: not bench.running)
    bench.widget.enter()
    bench.wait_until(lambda: bench.review is not None, 10)
    assert bench.rows() == 3


@scenario
def the_real_worker_segments_a_small_ct(bench):
    """By the bundled model, or by the bundle that CACNET_SCENARIO_MODEL names; that the chain runs is what counts."""
    if not bench.logic.dependenciesInstalled(bench.widget.resourcePath("requirements.txt")):
        raise NotHereError("the packages that the worker needs are not installed")
    bench.use_the_real_worker()
    volume_node = bench.add_schematic()
    done = bench.logic.segment(volume_node, model=os.environ.get("CACNET_SCENARIO_MODEL"), device="cpu")
    assert done.segmentation_node.GetSegmentation().GetSegment("LAD")
    assert bench.scene.IsNodePresent(done.segmentation_node)
    assert {finding.code for finding in bench.logic.check(volume_node)}


def _objects(*class_names):
    gc.collect()
    kinds = [type(item).__name__ for item in gc.get_objects()]
    return tuple(kinds.count(name) for name in class_names)
