"""The ground: synthetic scenes, before any sensor looks at them."""
