"""The Bias page."""
