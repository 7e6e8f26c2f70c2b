// Odd spellings of addresses, bases, ports, names that are not ASCII: what arrives, what is read.
const SPELLINGS = {
  plain: "https://b.test/echo",
  "upper case": "HTTPS://B.TEST/echo",
  "the page's scheme": "//b.test/echo",
  "three slashes": "https:///b.test/echo",
  backslashes: "https:\\\\b.test\\echo",
  "backslashes alone": "\\\\b.test/echo",
  "mixed slashes": "/\\b.test/echo",
  "white space around": " \n https://b.test/echo \t",
  "white space within": "ht\ntps://b.\ttest/e\ncho",
  "control characters around": "\u0001\u001fhttps://b.test/echo\u0000",
  "the default port": "https://b.test:443/echo",
  "a port with zeros": "https://b.test:008443/echo",
  "an empty port": "https://b.test:/echo",
  "another port": "https://b.test:8443/echo",
  "a plain one": "http://h.test/echo",
  "a dot at the end of the host": "https://b.test./echo",
  "dots in the path": "https://b.test/a/../b/./../echo",
  "encoded dots in the path": "https://b.test/a/%2e%2E/echo",
  "double slashes in the path": "https://b.test//echo//x/../../../echo",
  "semicolons in the path": "https://b.test/echo;v=1;w",
  "a path with everything": "https://b.test/urls/any/ä ö%20%2f%5C|^`{}\"<>[]'!$&()*+,;=:@",
  "a query with everything": "https://b.test/urls/any?ä ö%20%2f\\|^`{}\"<>[]'!$&()*+,;=:@/?",
  "an empty query": "https://b.test/urls/any?",
  "two question marks": "https://b.test/urls/any??a?b",
  "a percent sign alone": "https://b.test/urls/any%?%&100%zz",
  "a null in the path": "https://b.test/urls/any\u0000x",
  "a broken pair": "https://b.test/urls/any?\ud800",
  "a fragment": "https://b.test/echo#x?y=ä",
  "an encoded host": "https://%62.test/echo",
  "a full-width host": "https://ｂ．ｔｅｓｔ/echo",
  "an ideographic dot": "https://b。test/echo",
  "a soft hyphen in the host": "https://b\u00ad.test/echo",
  "a name that is not ASCII": "https://bücher.test/echo",
  "a name that is not ASCII, in upper case": "https://BÜCHER.test/echo",
  "a name in Punycode": "https://xn--bcher-kva.test/echo",
  "a subdomain": "https://sub.a.test/echo",
  "the own origin": "https://a.test/echo",
  "the own origin on another port": "https://a.test:8443/echo",
  "a path alone": "/echo",
  "a relative path": "../echo",
  "a query alone": "?x=ä",
  "an at sign in the path": "https://b.test/@user/echo",
  "an address in the path": "https://b.test/urls/any/https://c.test/x",
  "an address in the query": "https://b.test/urls/any?u=https://c.test/x&v=//d.test",
  "an encoded address in the query": "https://b.test/urls/any?u=https%3A%2F%2Fc.test%2Fx",
  "a long address": `https://b.test/urls/any/${"x".repeat(3000)}?${"y".repeat(3000)}`,
  "a wrong port": "https://b.test:99999/echo",
  "a wrong host": "https://b<>.test/echo",
  "an empty host": "https://",
  "wrong brackets": "https://[::1/echo",
};
// fetch refuses user names and passwords, elements take them.
const outcome = async (response) => [response.status, own(response.url), response.redirected, response.type, await response.text().then(shown)];
const shown = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text.length;
  }
};
each(SPELLINGS, "fetch", async (t, value) => {
  try {
    return await outcome(await fetch(value));
  } catch (error) {
    return error.name;
  }
});
