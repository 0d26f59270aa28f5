"""How far a map can be trusted, and what runs the forward passes."""
