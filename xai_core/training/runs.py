"""Follow running trainings: a folder whose history files grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xai_core.errors import DataError
from xai_core.training.checking import LARGEST
from xai_core.training.history import History
from xai_core.training.reading import check_size

ENDINGS = (".npz", ".csv", ".json")
MOST_FILES = 200
Stamp = tuple[int, int]


@dataclass(frozen=True)
class RunFolder:
    """A folder set by the server's operator; its files are addressed by name only."""

    path: Path

    def names(self) -> tuple[str, ...]:
        """Return the names of the histories in the folder, the most recently changed first."""
        try:
            entries = [entry for entry in self.path.iterdir() if self._offered(entry)]
            entries.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        except OSError:
            return ()
        return tuple(entry.name for entry in entries[:MOST_FILES])

    def stamp(self, name: str) -> Stamp | None:
        """Return time and size of a file, which change whenever it does; None if there is no such file."""
        try:
            status = self._file(name).stat()
        except (OSError, DataError):
            return None
        return status.st_mtime_ns, status.st_size

    def read(self, name: str, read: Callable[[bytes, str], History]) -> History:
        """Read a history as far as it has been written. Raises DataError if that fails.

        read: returns a history from the bytes of a file and the name of the run.
        """
        path = self._file(name)
        try:
            check_size(path.stat().st_size)
            with path.open("rb") as file:
                data = file.read(LARGEST)
        except OSError as error:
            raise DataError(f"The file {name} can no longer be read. Choose a different one.") from error
        return read(_whole_lines(data) if name.lower().endswith(".csv") else data, path.stem)

    def _file(self, name: str) -> Path:
        if name not in self.names():
            raise DataError(f"This server has no run named {name[:60]!r}. Choose one from the list.")
        return self.path / name

    @staticmethod
    def _offered(entry: Path) -> bool:
        return entry.suffix.lower() in ENDINGS and not entry.is_symlink() and entry.is_file()


def _whole_lines(data: bytes) -> bytes:
    """Return a table without an unfinished last line."""
    return data[: data.rfind(b"\n") + 1] or data
