"""Explaining a batch in one compiled call, and whole folders of pictures with results that survive a kill."""
