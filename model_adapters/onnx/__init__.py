"""ONNX models: opening them, running them and looking inside."""
