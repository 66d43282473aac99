"""The monthly bill of a cloud assembly: dated prices, times what the templates hold and the configuration assumes."""
