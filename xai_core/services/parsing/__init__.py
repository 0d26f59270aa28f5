"""Files of unknown origin, read in a sandboxed process of their own; only checked arrays and texts come back."""
