"""How far a map can be trusted, and how well two maps agree."""
