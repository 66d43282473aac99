"""What a drill came to: the same tables for the terminal, for documentation, for programs and as a page."""
