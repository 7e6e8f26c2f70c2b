<!-- location
location
--> location
top