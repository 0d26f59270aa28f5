"""Each row of the table of attacks in docs/security.md is tried by these attacks and tests."""

from __future__ import annotations

import re

import pytest

from tests.sandbox.confined import HERE, names

ROOT = HERE.parents[1]
TABLES = {
    "attacks": ("TRIES", "BLOWS", "ON_A_FULL_DISK"),
    "tries_on_others": ("TRIES_ON_OTHERS", "LEFT_OPEN"),
    "floods": ("FLOODS", "IDLE_FLOODS", "LEFTOVERS", "SLOW"),
}
ATTACKS = {name for file, tables in TABLES.items() for table in tables for name in names(table, file)}
TRIED_BY = {  # the first words of a row
    "write outside its folder": [
        "write in the folder for temporary files", "write beside the model", "write to the model",
        "read beside the model", "read /etc/passwd", "read the app's memory", "read the app's environment",
        "TCP", "UDP", "exec", "a program",
        "a fork bomb", "a signal to the app", "a signal to the app's thread", "a queued signal to the app",
        "a symbolic link", "a hard link", "a mode", "a mount",
    ],
    "attributes, access lists or flags": [
        "open another's private folder", "an attribute on another's file", "an attribute, the old way",
        "remove an attribute", "make another's file immutable", "hide another's file from backups",
        "flags of its own file",
    ],
    "`fspick`": [
        "choose a file system", "a copy of the file system's tree", "a copy of the file system's tree, the old way",
        "a thread in a new network",
        "a thread with a new user", "a call that no kernel has yet",
    ],
    "binding the app's threads": [
        "processor of the app", "processor of threads near", "priority of reads and writes", "schedule of the app",
    ],
    "watching `/tmp`": [
        "watch the folder for temporary files", "watch a folder by a signal", "watch the whole disk",
        "list another's uploads",
    ],
    "leases and locks": [
        "a lease on the model", "a lock on the model", "an open lock on a library", "a lock on a library",
    ],
    "System V and POSIX queues": [
        "shared memory of others", "attach shared memory", "semaphores of others", "message queues of others",
        "a POSIX queue of others", "shared memory",
    ],
    "connections, sockets and mounts": [
        "connections of the machine", "sockets of the machine", "connections, by the thread", "mounts of the machine",
        "mounts, by another name", "through its threads",
    ],
    "1200 threads": ["small threads", "page tables"],
    "frames, fat frames or words": [
        "ticks while it opens", "fat ticks while it opens", "endless words", "ticks while idle", "fat ticks while idle",
        "endless words while idle", "test_floods.py::test_words_in_the_log_are_bounded",
    ],
    "computing while idle": ["computing while idle"],
    "half a frame while idle": ["a slow frame while idle"],
    "100,000 notes": ["100,000 notes", "100,000 other networks", "an output as low as 400 digits"],
    "all of these from a model.py": [
        "test_attacks_by_code.py::test_a_try_on_others_is_refused", "test_code.py::test_code_ends_in_a_sentence",
    ],
    "holding the interpreter's lock": ["test_killed_app.py::test_a_worker_dies_with_the_app"],
    "a scratch folder without rights": [
        "a dark folder", "a folder to enter only",
        "../xai_core/jobs/test_folders.py::test_the_folders_of_a_killed_process_are_removed_by_the_next",
    ],
    "filling a small `/tmp`": [
        "one large file", "several files", "files without a name",
        "../xai_core/jobs/test_limits.py::test_limits_scale_to_the_disk",
    ],
    "the name of the folder of kept results": ["the name of the folder of kept results"],
    "size and time of a file": ["size and time of a file whose name it knows", "size and time of a system file"],
    "its own settings": ["its own settings", "its own settings, by the kernel", "the number of processors"],
}  # fmt: skip


def rows():
    """Return the first cell of each row of the table."""
    table = (ROOT / "docs/security.md").read_text("utf-8").partition("\n## What is tested\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| (?!Attack \|)([^|]+) \|", table, re.MULTILINE)


def test_each_row_of_the_table_is_tried():
    starts = [[start for start in TRIED_BY if row.startswith(start)] for row in rows()]
    assert [len(found) for found in starts] == [1] * len(TRIED_BY)


@pytest.mark.parametrize("row", TRIED_BY)
def test_what_tries_a_row_exists(row):
    for name in TRIED_BY[row]:
        file, _, test = name.partition("::")
        assert f"\ndef {test}(" in (HERE / file).read_text("utf-8") if test else name in ATTACKS, name
