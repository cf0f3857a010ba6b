"""The extract: what one sealed protocol needs of the linked records, coarsened, and nothing more."""
