"""The same explanations by xplique."""
