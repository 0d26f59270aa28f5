"""Files of unknown origin: everything that a file claims is bounded before it is believed."""
