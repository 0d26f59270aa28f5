"""Around the pages: who may connect, what every answer carries, and what makes runs of a page cheap."""
