x = function*() { yield
location }