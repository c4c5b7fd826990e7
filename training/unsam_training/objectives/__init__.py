"""What is minimised, one file an objective. They know tensors only: no model, no files."""
