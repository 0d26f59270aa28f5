"""Parts that run in the browser."""
