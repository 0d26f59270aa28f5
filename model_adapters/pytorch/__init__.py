"""PyTorch models: opening them and looking inside."""
