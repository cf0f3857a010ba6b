"""The results as people read them, and as whoever checks them before publication sees them."""
