"""Makes a folder that holds a `cacnet.worker` of the test's own, to be run in place of the real one."""

import textwrap

PRELUDE = """
import argparse, json, os, sys, threading, time
parser = argparse.ArgumentParser()
parser.add_argument("--job")
job = json.load(open(parser.parse_args().job))

def say(**event):
    print(json.dumps(event), flush=True)

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
