"""Detect what an uploaded file is and whether it may be opened, without importing a framework."""
