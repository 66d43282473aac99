"""What everybody who has to do with previews agrees on, and nothing but plain Python: stacks, functions and tools."""
