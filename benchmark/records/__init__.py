"""What a finished cell leaves on disk."""
