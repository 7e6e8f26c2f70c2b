"""What is edited on the way through, and nothing else (rewriting, "The principle").

- ``media``: what a request asks for, and which bodies are read, as what.
- ``pipeline``: a body's way through decoder, encoding, rewriter and encoder.
- ``headers``, ``header_names``, ``links``: fields.  ``validators``: our ETags, the origin's inside.
- ``csp``: the site's Content-Security-Policy mapped; the containment's.  ``csp_grammar``: its own.
- ``reporting``: what browsers are asked to report; ``reports``: what they do.
- ``parameters``: ours in URLs, added and taken out.  ``coding``: content codings, decoded with
  an expansion limit.  ``encoding``: character encodings, found as browsers find them.
- ``inject``: puts runtime and payload into documents.
- ``native``: the compiled loops, where there are any.  ``js``: scripts that read their site's
  own address; ``jslexer``, ``jswords``, ``jstokens``: where that is; ``js_body``: whole ones.
- ``worker``: workers' scripts, with the runtime before them.
- ``html``: the streaming rewriter of HTML and XML.  ``tokens``: its expressions;
  ``foreign``: where SVG and MathML begin and end; ``attributes``: which attribute of which
  element is edited, and how; ``references``: character references; ``scripts``: import maps.
- ``basic``: what may run script, for mode ``basic``; ``basic_html``: documents without it.
- ``forms``: the page's token in what is sent with POST.  ``framed``: ``data:`` documents.
- ``outgoing``, ``outgoing_forms``: collapsed addresses in what pages send, expanded.
- ``css``: stylesheets.  ``manifest``: web app manifests.  ``urls``: URLs alone, in lists.
"""
