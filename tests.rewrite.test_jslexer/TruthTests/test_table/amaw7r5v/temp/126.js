export {}
location