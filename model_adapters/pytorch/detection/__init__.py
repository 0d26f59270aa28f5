"""PyTorch detectors: opening them and looking inside."""
