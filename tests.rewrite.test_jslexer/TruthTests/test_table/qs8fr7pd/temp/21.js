location:
parent: 1