"""From restored and clean images to figures: metrics, the conventions they are computed under, and their intervals."""
