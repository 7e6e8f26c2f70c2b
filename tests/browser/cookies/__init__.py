"""Sites that exchange cookies of every kind, and the cases in which they do."""
