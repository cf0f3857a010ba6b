"""The audit log: every decision and act, in order, where no change goes unseen."""
