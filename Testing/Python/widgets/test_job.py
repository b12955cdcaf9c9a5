"""The job file says everything that the worker is asked for, in words that the worker reads."""

from pathlib import Path

from cacnet import jobs
from cacnet.volume import Acquisition
from CACNetSegmentationLib.widgets import job
from CACNetSegmentationLib.widgets.job import RunSettings


def read_back(tmp_path: Path, content: dict) -> jobs.Job:
    job.write_job(tmp_path / "job.json", content)
    return jobs.read_job(tmp_path / "job.json")


def test_every_choice_reaches_the_worker(tmp_path):
    settings = RunSettings("literature", "cpu", "clinic", 61, "F", refine_borders=False, use_context=False)
    known = Acquisition("CT", 100.0, kernel="Bv40", patient_age_years=60.0)
    content = job.segmentation_job(tmp_path / "ct.nrrd", tmp_path / "out", settings, known)
    assert read_back(tmp_path, content) == jobs.Job(
        jobs.Task.SEGMENT,
        ct=tmp_path / "ct.nrrd",
        output=tmp_path / "out",
        model="clinic",
        device="cpu",
        protocol="literature",
        age_years=61,
        sex="F",
        refine_borders=False,
        use_context=False,
        acquisition=known,
    )


def test_the_usual_choices_are_the_workers_own(tmp_path):
    found = read_back(tmp_path, job.segmentation_job(Path("a"), Path("b"), RunSettings()))
    assert found == jobs.Job(ct=Path("a"), output=Path("b"))


def test_questions_reach_the_worker(tmp_path):
    assert read_back(tmp_path, job.devices_job()) == jobs.Job(jobs.Task.DEVICES)
    known = Acquisition(kvp=80.0)
    assert read_back(tmp_path, job.check_job(Path("a"), known)).acquisition == known
    assert read_back(tmp_path, job.install_model_job(Path("m"))).source == Path("m")
    assert read_back(tmp_path, job.phantom_job(Path("p"))).output == Path("p")
