"""Models that Keras 2 wrote, opened with tf_keras. The rest is the TensorFlow adapter's."""

from __future__ import annotations

from model_adapters import tensorflow
from model_adapters.tensorflow import check, load

__all__ = ["check", "import_framework", "load"]


def import_framework() -> None:
    """Set TensorFlow up for a worker with tf_keras; import it and the modules that open a classifier."""
    tensorflow.import_framework(tf_keras=True)
