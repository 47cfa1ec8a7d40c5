"""From what a person asks for to the cells that answer it."""
