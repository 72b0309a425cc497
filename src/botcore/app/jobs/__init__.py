"""Jobs: kept in the control store, done in processes of their own, begun again after a restart."""
