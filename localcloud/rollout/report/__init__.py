"""What rehearsals came to: a page for people, a summary for programs, a table for the terminal."""
