class A { a = () => {}
location = top
'b' = 1
parent() {} }