"""What the session keeps for a page."""
