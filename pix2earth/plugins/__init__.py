"""Model plug-ins: finding their files, the contract of their class, and help for those of the original ARISGAN."""
