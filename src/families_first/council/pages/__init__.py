"""Pages that the council reads: what a run found, drawn and explained, as files without server or script."""
