"""The local AWS control plane: MiniStack in-process, completed by our own handlers and corrections."""
