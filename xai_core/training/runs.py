"""Training that goes on: a folder whose files grow, and which of them can be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xai_core.errors import DataError
from xai_core.training.checking import LARGEST
from xai_core.training.history import History
from xai_core.training.reading import check_size, read_history

ENDINGS = (".npz", ".csv", ".json")
MOST_FILES = 200
Stamp = tuple[int, int]


@dataclass(frozen=True)
class RunFolder:
    """A folder that the operator of a server has set; its files are known by their names alone."""

    path: Path

    def names(self) -> tuple[str, ...]:
        """Return the names of the histories in the folder, the one that changed last first."""
        try:
            found = [entry for entry in self.path.iterdir() if self._offered(entry)]
            found.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        except OSError:
            return ()
        return tuple(entry.name for entry in found[:MOST_FILES])

    def stamp(self, name: str) -> Stamp | None:
        """Return what changes whenever a file does; None where there is no such file."""
        try:
            found = self._file(name).stat()
        except (OSError, DataError):
            return None
        return found.st_mtime_ns, found.st_size

    def read(self, name: str) -> History:
        """Read a history as far as it has been written; DataError where that fails."""
        path = self._file(name)
        try:
            check_size(path.stat().st_size)
            with path.open("rb") as file:
                data = file.read(LARGEST)
        except OSError as error:
            raise DataError(f"The file {name} can not be read any more.") from error
        return read_history(_whole_lines(data) if name.lower().endswith(".csv") else data, path.stem)

    def _file(self, name: str) -> Path:
        if name not in self.names():
            raise DataError(f"There is no file {name[:60]!r} among the runs of this server.")
        return self.path / name

    @staticmethod
    def _offered(entry: Path) -> bool:
        return entry.suffix.lower() in ENDINGS and not entry.is_symlink() and entry.is_file()


def _whole_lines(data: bytes) -> bytes:
    """Return a table without a last line that is still being written."""
    return data[: data.rfind(b"\n") + 1] or data
