class A { location = location; static top = top
parent
location = 1 }