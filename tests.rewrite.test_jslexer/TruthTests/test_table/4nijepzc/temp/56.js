a = () => {}
/location/.test(b)