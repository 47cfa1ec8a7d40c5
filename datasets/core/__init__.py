"""What all three packages stand on: errors, names, files, locks, fault points."""
