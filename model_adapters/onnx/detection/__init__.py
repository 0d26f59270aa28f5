"""ONNX detectors: opening them and reading their outputs as boxes."""
