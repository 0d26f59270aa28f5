"""Adapters that run a model's code as Vitrine's own do, without a framework. Only workers import this module."""

from hostile_adapters import Hostile

from model_adapters.code.running import RunnableCode
from xai_core.types import FileKind


def inspect(source):
    return FileKind("onnx", "onnx")


def import_framework(framework):
    pass


def load(source, kind, scratch):
    runnable = RunnableCode(source.code, scratch)
    module = runnable.run(runnable.modules[0])
    return Hostile(tuple(getattr(module, "NOTES", ())))
