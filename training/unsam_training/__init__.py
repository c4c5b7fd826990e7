"""Self-supervised training of promptable segmentation at any granularity (UnSAMv2).

`modules` hold the networks under the official tensor names, `checkpoint` reads and writes their files, `data` turns
photos and label files into prompts and targets, `objectives` are the losses, `recipes` put these together, and
`trainer` runs a recipe. Imports point only downward: trainer, recipes -> objectives -> data, modules -> checkpoint.
"""
