"""Makes a folder that holds a `cacnet.worker` of the test's own, to be run in place of the real one.

Questions about the CT and the devices are answered by every one of them; the body is for a segmentation.
"""

import textwrap

PRELUDE = """
import argparse, json, os, sys, threading, time
parser = argparse.ArgumentParser()
parser.add_argument("--job")
job = json.load(open(parser.parse_args().job))

def say(**event):
    print(json.dumps(event), flush=True)

if job.get("task") == "check":
    say(event="finding", code="contrast-ccta", severity="note", message="The blood in the heart is about 400 HU.")
    say(event="answer", content={"exit_code": 0})
    sys.exit()
if job.get("task") == "devices":
    say(event="answer", content={"devices": [{"name": "cpu", "hardware": "CPU, 2 threads"}]})
    sys.exit()

def stop_when_input_closes():
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(130)), daemon=True).start()
"""


def make_worker(folder, body):
    """Write the worker and return the folder for PYTHONPATH."""
    package = folder / "cacnet"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "worker.py").write_text(PRELUDE + textwrap.dedent(body))
    return folder
