"""Where samples come from: each source looks at one kind of real part."""
