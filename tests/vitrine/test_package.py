"""What `import vitrine` offers, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import vitrine
from xai_core import __version__
from xai_core.guide import catalogue

HEAVY = {"numpy", "pandas", "torch", "tensorflow", "streamlit", "onnxruntime", "PIL"}


def test_importing_it_imports_nothing_heavy():
    code = f"import sys, vitrine; print(sorted({HEAVY} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_face_is_there():
    assert all(getattr(vitrine, name) is not None for name in dir(vitrine))
    assert vitrine.__version__ == __version__


def test_methods_are_exported_by_the_name_of_their_class():
    assert all(getattr(vitrine, kind.__name__) is kind for kind in catalogue().values())
    assert vitrine.GradCam(layers=("features",)).values() == {"layers": ["features"]} | {
        name: value for name, value in vitrine.GradCam().values().items() if name != "layers"
    }


def test_methods_are_listed_for_each_task():
    classify, detect, both = (vitrine.methods(task) for task in ("classify", "detect", None))
    assert len(classify) + len(detect) == len(both) == len(catalogue())
    assert {"id": "grad_cam", "class": "GradCam"}.items() <= next(
        row for row in both.rows if row["id"] == "grad_cam"
    ).items()


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Gradcam"):
        _ = vitrine.Gradcam


@pytest.mark.parametrize("package", ["vitrine", "vitrine_logger", "xai_core", "model_adapters"])
def test_every_package_is_typed(package):
    from importlib.resources import files

    assert files(package).joinpath("py.typed").is_file()
