"""What a line of the log can turn out to be, once it is read as a record."""

MATCHED, IGNORED, SUSPECT = "matched", "ignored", "suspect"
