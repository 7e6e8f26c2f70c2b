'location' + "location" + 'a\'location' // location
/* location */ + location