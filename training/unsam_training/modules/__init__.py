"""The networks, one file a module, under the tensor names of the official checkpoints (SAM 2.1, UnSAMv2)."""
