"""What the figures allow to say: better, worse or undecided, how far that carries, and how many rows rank."""
