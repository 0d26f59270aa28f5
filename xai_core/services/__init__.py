"""What drives a runner: opening and preparing a model, asking it, keeping its answers."""
