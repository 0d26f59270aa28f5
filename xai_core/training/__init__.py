"""How a classifier's predictions changed while it was trained."""
