a = {}
/location/b