"""Pictures on the disk, as the classifiers eat them."""
