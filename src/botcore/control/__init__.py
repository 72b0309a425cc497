"""Every act and every question: commands and queries, one schema each, used by every door."""
