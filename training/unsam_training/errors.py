"""Errors that tell the user what to do; the command line turns them into exit codes."""


class BadInput(Exception):
    """What was asked for cannot be done: a wrong option, file or folder. Exit code 2."""


class TrainingFailed(Exception):
    """The work failed though nothing was wrong with what was asked. Exit code 1."""
