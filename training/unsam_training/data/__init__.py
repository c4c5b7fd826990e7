"""Photos and label files as views, prompts and targets."""
