"""Around the pages: who may connect, what every answer carries, the log, and what makes a page run quickly."""
