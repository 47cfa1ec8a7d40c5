"""The leaderboard: records beside what the papers print, paired differences between rows, its page and its CSV."""
