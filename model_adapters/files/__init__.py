"""What an uploaded file is, and whether it may be opened; no framework is imported here."""
