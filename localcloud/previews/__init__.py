"""Previews of branches on a running local cloud: `python -m localcloud.previews up | down | leftovers`."""
