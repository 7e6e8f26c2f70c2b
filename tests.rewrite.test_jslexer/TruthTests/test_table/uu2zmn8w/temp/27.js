return
{ top: parent; location }