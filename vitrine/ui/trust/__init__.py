"""An answer as it sharpens: its question, its runs, how far the map can be trusted, what runs the forward passes."""
