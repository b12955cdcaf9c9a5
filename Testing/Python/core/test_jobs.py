"""A job file says what is to be done, or is refused with a sentence."""

import json
from pathlib import Path

import pytest
from cacnet.jobs import SIMULATED_PATIENT, Job, Task, UnreadableJobError, read_job
from cacnet.volume import Acquisition


def write(folder: Path, **content: object) -> Path:
    path = folder / "job.json"
    path.write_text(json.dumps({"schema_version": 1, **content}))
    return path


def test_a_job_without_a_task_is_a_segmentation_with_the_usual_choices(tmp_path: Path) -> None:
    job = read_job(write(tmp_path, ct="ct.nrrd", output="out"))
    assert job == Job(Task.SEGMENT, ct=Path("ct.nrrd"), output=Path("out"))
    assert job.refine_borders
    assert job.use_context
    assert job.device == "auto"


def test_every_choice_of_a_segmentation_arrives(tmp_path: Path) -> None:
    known = {"kvp": 100.0, "manufacturer": "ACME", "patient_sex": "F"}
    choices = {"model": "m", "device": "cpu", "protocol": "literature", "age": 61, "sex": "F", "refine_borders": False}
    choices["use_context"] = False
    job = read_job(write(tmp_path, ct="a", output="b", acquisition=known, **choices))
    assert (job.model, job.device, job.protocol) == ("m", "cpu", "literature")
    assert (job.age_years, job.sex, job.refine_borders, job.use_context) == (61, "F", False, False)
    assert job.acquisition == Acquisition(kvp=100.0, manufacturer="ACME", patient_sex="F")


def test_other_tasks_need_only_what_they_use(tmp_path: Path) -> None:
    assert read_job(write(tmp_path, task="devices")).task is Task.DEVICES
    assert read_job(write(tmp_path, task="check", ct="a")).path("ct") == Path("a")
    assert read_job(write(tmp_path, task="phantom", output="a")).seed == SIMULATED_PATIENT
    assert read_job(write(tmp_path, task="install model", source="m")).path("source") == Path("m")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"task": "dance"}, "dance"),
        ({"task": "check"}, "'ct'"),
        ({"task": "install model"}, "'source'"),
        ({"ct": "a", "output": "b", "acquisition": {"patient_name": "Doe"}}, "unknown field 'patient_name'"),
        ({"ct": "a", "output": "b", "acquisition": {"kvp": "120"}}, "'kvp'"),
        ({"ct": "a", "output": "b", "acquisition": {"kvp": True}}, "'kvp'"),
        ({"ct": "a", "output": "b", "acquisition": {"kernel": 3}}, "'kernel'"),
        ({"schema_version": 2, "ct": "a", "output": "b"}, "version 2"),
    ],
)
def test_a_job_that_cannot_be_done_is_refused(tmp_path: Path, content: dict, message: str) -> None:
    with pytest.raises(UnreadableJobError, match=message):
        read_job(write(tmp_path, **content))


def test_a_path_that_was_not_given_is_named() -> None:
    with pytest.raises(UnreadableJobError, match="'ct'"):
        Job(Task.CHECK).path("ct")
