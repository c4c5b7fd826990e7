"""One file per recipe; `trainer/recipe.py` says what it has to hold."""
