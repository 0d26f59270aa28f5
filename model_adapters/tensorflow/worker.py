"""Settings of TensorFlow for a process of its own; in a user's process they would outlast the call."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from model_adapters.common.threads import threads_wanted

# Keras imports these if it can, for plots and tables that no model needs; they take a quarter of its start.
UNNEEDED = ("IPython", "matplotlib", "pandas", "sklearn")
_KERAS_2 = "TF_USE_LEGACY_KERAS"  # TensorFlow and xplique follow it too


def set_up(tf_keras: bool = False) -> None:
    """Make Keras run on TensorFlow, quietly, with GPU memory as it is needed; to be called before either is imported.

    tf_keras: whether Keras is tf_keras, which is Keras 2. oneDNN is switched on: without it, which is the default on
    processors without AVX-512, no convolution runs on a CPU with its channels first. The settings last as long as the
    process.
    """
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "1"}
    os.environ[_KERAS_2] = str(int(tf_keras))
    if threads := threads_wanted():
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
    with _unneeded_left_out():
        import tensorflow as tf

        importlib.import_module("tf_keras" if tf_keras else "keras")
    tf.get_logger().setLevel("ERROR")
    for gpu in tf.config.list_physical_devices("GPU"):
        with suppress(RuntimeError):  # TensorFlow was already in use and keeps its settings
            tf.config.experimental.set_memory_growth(gpu, True)


@contextmanager
def _unneeded_left_out() -> Iterator[None]:
    """While modules are imported inside, let them find nothing to draw plots or tables with; later imports do."""
    absent = [name for name in UNNEEDED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None stops an import
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def uses_tf_keras() -> bool:
    """Return whether Keras is tf_keras in this process."""
    return os.environ.get(_KERAS_2) == "1"
