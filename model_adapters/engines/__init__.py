"""Forward passes on the fastest engine whose answers agree with the model's own framework."""
