"""The Detection page."""
