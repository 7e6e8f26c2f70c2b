// Attributes, HTML and style text that script sets: what may name a foreign host is changed by
// the part that few pages need.  What it misses, the containment policy stops.

// Those that read as URLs (`currentSrc` and `toString` are only read), then those that read as the attribute does.
export const URLS = "action|poster|href|src|currentSrc|cite|formAction|data|toString";
export const TEXTS = "background|srcdoc|srcset|imageSrcset|integrity|ping";
export const URL_ATTRIBUTE = RegExp(`^((xlink:)?(${URLS}|${TEXTS})|style|//x)$`, "i");
// What may name a host, be a document of its own, or demand a digest.
export const FOREIGN = /&[#bcs]|\\|a:text|https?:|sha\d|srcdoc|\/\//i;
// Of a script: an import map, or a module, that may name a host.
export const IMPORTS = /import[^]*\/\//;
