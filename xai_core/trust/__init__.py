"""What a map is worth, and how far two maps agree."""
