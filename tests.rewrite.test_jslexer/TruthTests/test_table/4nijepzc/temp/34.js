delete a.b
c.location