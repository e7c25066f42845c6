"""What is wrong with one picture and not with the run."""


class BadPicture(ValueError):
    """A picture that cannot be read; its text says why, in one sentence without its name."""
