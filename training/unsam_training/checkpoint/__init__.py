"""Reads and writes tensor files: .safetensors, and .pt without running what is in it."""
