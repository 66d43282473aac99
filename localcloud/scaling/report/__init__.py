"""What `make scaling` says: in the terminal, as JSON, and as a page with plots."""
