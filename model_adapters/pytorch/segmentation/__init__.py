"""PyTorch networks that label every pixel."""
