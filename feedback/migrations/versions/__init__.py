"""One file per change of the tables, oldest first; a published one is never edited."""
