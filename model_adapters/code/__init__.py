"""Python code that comes with weights: reading it without running it, and running it in a worker that may."""
