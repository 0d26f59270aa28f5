"""Building blocks shared by the methods of a family."""
