"""What a run leaves on the disk, and what it says while it works."""
