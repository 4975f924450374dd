"""What became of the rows, for people: summary and files."""
