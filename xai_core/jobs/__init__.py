"""Where models run. This file imports nothing, so that a worker can close the file system first."""
