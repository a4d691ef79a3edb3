"""The text exposition format: bytes in, checked families out."""
