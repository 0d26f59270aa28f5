"""The same question answered by other PyTorch libraries."""
