"""`make drill NAME=restore` and `NAME=region`: data is lost while clients write, and brought back."""
