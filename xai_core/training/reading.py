"""Read histories from files: tables, npz and InstanceFlow's JSON; the format is detected from the content.

A fault is a DataError that says what was expected, what came and what to do.
"""

from __future__ import annotations

from xai_core.errors import DataError
from xai_core.training.arrays import from_npz
from xai_core.training.checking import LARGEST, checked
from xai_core.training.history import History
from xai_core.training.instance_flow import from_instance_flow
from xai_core.training.tables import from_table


def read_history(data: bytes, name: str) -> History:
    """Read a history from the bytes of a CSV, npz or JSON file. Raises DataError if that fails."""
    check_size(len(data))
    if not data.strip():
        raise DataError("The file is empty. Choose a file with predictions.")
    if data.startswith(b"PK\3\4"):
        return checked(from_npz(data, name))
    if data.lstrip()[:1] == b"{":
        return checked(from_instance_flow(data, name))
    return checked(from_table(data, name))


def check_size(size: int) -> None:
    """Raise DataError if a file is larger than the limit."""
    if size > LARGEST:
        raise DataError(f"The file has {size >> 20} MB; at most {LARGEST >> 20} MB are read. Leave out epochs.")
