"""What pages draw with: text, charts, pictures and guide cards; nothing here knows a session."""
