#!location
location