"""Explaining a batch in one compiled call, and folders of pictures so that a kill costs little."""
