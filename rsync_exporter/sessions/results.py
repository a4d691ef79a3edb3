"""What a line of the log can turn out to be."""

MATCHED, IGNORED, SUSPECT = "matched", "ignored", "suspect"

RESULTS = (MATCHED, IGNORED, "unparsed", SUSPECT, "joined", "split")
