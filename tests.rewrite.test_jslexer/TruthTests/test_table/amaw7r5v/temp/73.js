a<!--location
top