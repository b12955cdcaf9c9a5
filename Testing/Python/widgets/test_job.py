"""The job file is the contract with the worker process."""

import json

from cacnet.worker import Job, read_job
from CACNetSegmentationLib.widgets.job import RunSettings, write_job


def test_the_job_holds_what_the_worker_is_promised(tmp_path):
    path = tmp_path / "job.json"
    settings = RunSettings(protocol="literature", device="cpu", model="m", age=61, sex="F")
    write_job(path, tmp_path / "ct.nrrd", tmp_path / "out", settings)
    assert json.loads(path.read_text()) == {
        "schema_version": 1,
        "ct": str(tmp_path / "ct.nrrd"),
        "output": str(tmp_path / "out"),
        "model": "m",
        "device": "cpu",
        "protocol": "literature",
        "age": 61,
        "sex": "F",
    }


def test_the_worker_reads_the_job_as_it_was_meant(tmp_path):
    path = tmp_path / "job.json"
    write_job(path, tmp_path / "ct.nrrd", tmp_path / "out", RunSettings(protocol="literature", age=61, sex="F"))
    expected = Job(tmp_path / "ct.nrrd", tmp_path / "out", None, "auto", "literature", 61, "F")
    assert read_job(path) == expected


def test_what_is_not_known_is_null(tmp_path):
    path = tmp_path / "job.json"
    write_job(path, tmp_path / "ct.nrrd", tmp_path / "out", RunSettings())
    job = json.loads(path.read_text())
    assert (job["protocol"], job["model"], job["age"], job["sex"], job["device"]) == (None, None, None, None, "auto")
