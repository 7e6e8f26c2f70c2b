a = b
location: 1