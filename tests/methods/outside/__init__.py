"""Networks that are no method of the project."""
