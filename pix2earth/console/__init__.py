"""What is said on the terminal: progress and messages."""
