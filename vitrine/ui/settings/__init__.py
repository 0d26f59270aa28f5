"""Controls for the settings of a page, and these settings in its address."""
