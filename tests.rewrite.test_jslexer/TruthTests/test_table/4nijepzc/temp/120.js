import x from 'x' with {type: 'json'}
location