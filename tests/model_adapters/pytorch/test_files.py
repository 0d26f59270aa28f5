"""What runs code of a file asks for trust itself, whatever the caller believes that the file is."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from model_adapters.files.preflight import TRUST_PICKLE
from model_adapters.pytorch import files
from xai_core.errors import RefusedModel


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("read", [files.read_trusted, files.read_exported])
def test_a_file_that_runs_code_is_refused_without_trust_and_runs_nothing(read, tmp_path, monkeypatch):
    monkeypatch.delenv(TRUST_PICKLE, raising=False)
    (tmp_path / "upload.pt").write_bytes(pickle.dumps(Touch(tmp_path / "marker"), protocol=2))
    with pytest.raises(RefusedModel, match="Set VITRINE_TRUST_PICKLE=1 for files that you trust"):
        read(str(tmp_path / "upload.pt"))
    assert not (tmp_path / "marker").exists()
