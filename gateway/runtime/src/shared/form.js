// A form with another's data: sent at once, in one of the frames that may be navigated from here.

// A field may be called as one of the form's own methods is.
const { submit } = HTMLFormElement.prototype;
const { append, remove } = Element.prototype;

/**
 * @param {Document} document
 * @param {string} url
 * @param {any} data
 * @param {string} target
 */
export function formOf(document, url, { entries, coding }, target) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: url, enctype: `${coding}`, target, hidden: true, acceptCharset: "utf-8" });
  for (const [name, value] of entries) {
    const input = document.createElement("input");
    input.name = name;
    if (typeof value === "string") {
      input.type = "hidden";
      input.value = value;
    } else {
      input.type = "file";
      if (value.name || value.size) {
        const files = new DataTransfer();
        files.items.add(value);
        input.files = files.files;
      }
    }
    append.call(form, input);
  }
  document.documentElement.append(form);
  submit.call(form);
  remove.call(form);
}
