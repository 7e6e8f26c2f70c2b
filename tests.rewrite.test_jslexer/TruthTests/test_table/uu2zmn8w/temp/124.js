export const a = 1
f(b, top)