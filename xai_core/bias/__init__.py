"""Where a classifier is unfair: what its predictions on labelled pictures say, by class and by group."""
