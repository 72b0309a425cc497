"""Venue-neutral ticks into trustworthy books and bars, and a word when they are not."""
