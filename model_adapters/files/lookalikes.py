"""Recognise files that people often confuse with models, and say what to use instead."""

from __future__ import annotations

import re

from xai_core.errors import RefusedModel
from xai_core.types import Task

PICTURES = {
    b"\x89PNG\r\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"RIFF....WEBP": "WebP",
    b"BM....\0\0\0\0": "BMP",
}
WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*(<!--.{0,400}-->\s*)?<(!doctype\s+html|html|head|body)\b", re.I | re.S)
OPEN_FORMATS: dict[Task, str] = {
    "classify": "a PyTorch state dict, safetensors, TorchScript, ONNX, Keras (.keras, .h5), SavedModel (zip) or "
    "TensorFlow Lite file",
    "segment": "a PyTorch state dict, TorchScript, ONNX, Keras (.keras, .h5) or SavedModel (zip) file",
    "detect": "a PyTorch state dict, safetensors, TorchScript or ONNX file",
}


def refusal_for(head: bytes, task: Task) -> RefusedModel:
    """Return the error for a file that is not a model, with formats for the task, judged by its first 4096 bytes."""
    if WEB_PAGE.match(head):
        return RefusedModel("This is a web page, not a model. Download the file itself and try again.")
    if head.startswith(b"version https://git-lfs"):
        return RefusedModel("This is a Git LFS pointer, not the model. Run `git lfs pull` and use the real file.")
    if picture := next((name for start, name in PICTURES.items() if _starts(head, start)), None):
        return RefusedModel(f"This is a picture ({picture}), not a model. Open it as a picture.")
    if _is_text(head):
        return RefusedModel(f"This is a text file, not a model. Use {OPEN_FORMATS[task]}.")
    return RefusedModel(f"This is not a known model file, or its beginning is damaged. Use {OPEN_FORMATS[task]}.")


def _starts(head: bytes, pattern: bytes) -> bool:
    return re.match(re.escape(pattern).replace(rb"\.", b"."), head, re.S) is not None


def _is_text(head: bytes) -> bool:
    text = head.decode("utf-8", "ignore")
    return len(text.encode()) >= len(head) - 3 and all(sign.isprintable() or sign in "\r\n\t\f\ufeff" for sign in text)
