"""Explanation methods for image models, free of any model framework and of any user interface."""

__version__ = "0.2.0"
