"""What pyproject.toml cannot say: the app, which stands beside the packages here, goes inside one."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
APP = "vitrine/app"
FILES = (
    "app.py",
    "server.py",
    "pages/*.py",
    ".streamlit/config.toml",
    "samples/*.py",
    "samples/*.json",
    "samples/*/*.*",
    "docs/images/methods/*",
)
MADE = ("samples/models", "samples/pictures")  # by samples/build.py, from packages that every installation has


class WithApp(build_py):
    """Builds the packages, with the app, its samples and the guide's pictures in vitrine/app."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source, target in self._of_app():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """Return the paths of all files that are built."""
        more = [] if self.editable_mode else [str(target) for _, target in self._of_app()]
        return [*super().get_outputs(include_bytecode), *more]

    def _of_app(self) -> list[tuple[Path, Path]]:
        found = (path for pattern in FILES for path in sorted(ROOT.glob(pattern)))
        paths = [path.relative_to(ROOT) for path in found if path.is_file()]
        return [(ROOT / path, Path(self.build_lib, APP, path)) for path in paths if str(path.parent) not in MADE]


setup(cmdclass={"build_py": WithApp})
