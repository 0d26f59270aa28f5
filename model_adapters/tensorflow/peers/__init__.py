"""The same question answered by xplique."""
