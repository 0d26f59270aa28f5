"""TensorFlow detectors."""
