"""The process that holds one model: `python -I -m xai_core.jobs.worker REQUESTS RESULTS SETUP`.

Only modules that start no thread are imported at the top, so that the file system is closed before there are any.
"""

from __future__ import annotations

import importlib
import sys

from xai_core.jobs import sandbox
from xai_core.jobs.launch import WorkerSetup


def main(requests: str, results: str, setup_text: str) -> None:
    """Close the file system, then serve until the app is gone."""
    setup = WorkerSetup.from_text(setup_text)
    sys.path[:0] = setup.extra_path
    version = sandbox.close_files(setup.readable(), setup.scratch)
    importlib.import_module("xai_core.jobs.serve").serve(setup, version, int(requests), int(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
