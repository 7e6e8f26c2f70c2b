export default class {}
location: 1