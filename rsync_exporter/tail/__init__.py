"""Log files, followed: whole lines out, over rotation, restart and loss."""
