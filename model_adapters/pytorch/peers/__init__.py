"""The same explanations by other PyTorch libraries."""
