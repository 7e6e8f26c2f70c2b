// Attributes, HTML and style text that script sets: what may name a foreign host is changed by
// the part that few pages need.  What it misses, the containment policy stops.

// Those that read as URLs (the last two are only read), then those that read as the attribute does.
export const URLS = "href|src|action|formAction|data|poster|cite|currentSrc|toString";
export const TEXTS = "srcset|imageSrcset|srcdoc|ping|background|integrity";
export const URL_ATTRIBUTE = RegExp(`^((xlink:)?(${URLS}|${TEXTS})|style|//x)$`, "i");
// What may name a host, be a document of its own, or demand a digest.
export const FOREIGN = /\/\/|\\|https?:|&[#bcs]|srcdoc|sha\d|a:text/i;
// Of a script: an import map, or a module, that may name a host.
export const IMPORTS = /import[^]*\/\//;
