"""What is wrong with one picture and not with the run."""


class BadPicture(ValueError):
    """A picture that cannot be read; its text says why, in one sentence without its name."""


class StoreError(Exception):
    """An object store did not do what it was asked for; one sentence says why.

    No OSError: it says nothing of the object, which is neither missing nor damaged for all that is
    known, so that nobody may skip it or make it anew.
    """
