"""What goes into a paper: its table, its references, its figures; all from the records."""
