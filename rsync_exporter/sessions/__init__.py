"""What the messages come to: sessions, their outcomes, and the counts."""
