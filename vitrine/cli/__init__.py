"""The command line: the same core, workers and sandbox as the app, without a browser."""
