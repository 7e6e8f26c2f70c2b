"""Documents that try to run script: what mode ``basic`` must leave nothing of."""

from __future__ import annotations

import json
from pathlib import Path

VECTORS = Path(__file__).parent.parent / "vectors"
CORPUS: list[str] = [
    case["payload"]
    for case in json.loads((VECTORS / "markup-injections.json").read_text("utf-8"))["cases"]
]
# The list of the article that describes Discover, as it stands there.
SEED_CODE = (
    "setTimeout();location = ' javascript:alert(1) <!--'",
    "location = 'javascript\\n:alert(1) <!--'",
    "location = '\\x01javascript:alert(1) <!--'",
    "var location = 'javascript:alert(1)'",
    "for(location in {'javascript:alert(1)':0});",
    "[location] = ['javascript:alert(1)']",
    "location.totally_not_assign=location.assign;location.totally_not_assign('javascript:alert(1)')",
    "({location} = {location: 'javascript:alert(1)'})",
    "Reflect.set(location, 'href', 'javascript:alert(1)')",
    "new Proxy(location, {}).href = 'javascript:alert(1)'",
    "Object.assign(window, {location: 'javascript:alert(1)'});",
    "Object.assign(location, {href: 'javascript:alert(1)'});",
    "location.hash = '#%0a alert(1)';location.protocol = 'javascript:';",
)
DATA = "data:text/html,<script>parent.alert(1)</script>"
CODED = "data:text/html;base64,PHNjcmlwdD5wYXJlbnQuYWxlcnQoMSk8L3NjcmlwdD4="
# As they stand in markup: references and controls included.
SPELLINGS = (
    "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "\x01javascript:alert(1)",
    "javascript\n:alert(1)", "java\tscript:alert(1)", "java\r\nscript:alert(1)", "\x00javascript:alert(1)",
    "&#106;avascript:alert(1)", "&#x6A;avascript:alert(1)", "&#0000106avascript:alert(1)",
    "&#X000006a;avascript&colon;alert(1)", "java&Tab;script:alert(1)", "java&NewLine;script:alert(1)",
    "javascript&#58alert(1)", "javascript&#x3a;alert(1)", "&#1;javascript:alert(1)",
    "&#14;  javascript:alert(1)", "javascript&#10;:alert(1)", "\u2028javascript:alert(1)",
    "&#xfeff;javascript:alert(1)", "&nbsp;javascript:alert(1)", "vbscript:msgbox(1)",
    "VBS&#99;ript:x", "livescript:x", "mocha:x", "feed:javascript:alert(1)", "feed:feed:javascript:x",
    "view-source:javascript:alert(1)", "jar:javascript:x", "javascript://%0aalert(1)",
    "javascript:/*--></title></style></textarea></script></xmp>*/alert(1)",
    DATA, CODED, "DaTa:text/html,x", "data&colon;image/svg+xml,x", "data:application/xhtml+xml,x",
    "\x01data:text/html,x", "data:text/xml,x", "data:text/html;charset=utf-8,x",
    "blob:https://page.example/1", "filesystem:https://page.example/1", "mhtml:http://a.b/!x",
)  # fmt: skip
ACTIVE = SPELLINGS[:-11]
"""Those that are no ``data:`` and no ``blob:``: active wherever they stand."""
# Every place where a URL may stand; "§" is the URL.
PLACES = (
    '<a href="§">x</a>', "<a href='§'>x</a>", '<a HREF = "§">x</a>', '<area href="§">',
    '<form action="§"><input type=submit></form>', '<form><button formaction="§">x</button></form>',
    '<form><input type=submit formaction="§"></form>', '<form><input type=image formaction="§"></form>',
    '<iframe src="§"></iframe>', '<frameset><frame src="§"></frameset>', '<embed src="§">',
    '<object data="§"></object>', '<object codebase="§"></object>', '<applet code="§"></applet>',
    '<svg><a xlink:href="§"><text y=20>x</text></a></svg>', '<svg><a href="§"><text y=20>x</text></a></svg>',
    '<svg><a><text y=20>x</text><animate attributeName="href" values="§"/></a></svg>',
    '<svg><a><text y=20>x</text><animate attributeName="xlink:href" from="§" to="§"/></a></svg>',
    '<svg><a><text y=20>x</text><set attributeName="href" to="§"/></a></svg>',
    '<svg><a><text y=20>x</text><animate attributeName=href values="x;§;y" dur=1s /></a></svg>',
    '<svg><use href="§"/></svg>', '<svg><use xlink:href="§"/></svg>', '<svg><script href="§"/></svg>',
    '<svg xml:base="§"><a href="#x">x</a></svg>', '<math href="§">x</math>', '<math xlink:href="§">x</math>',
    '<math><maction actiontype="statusline" xlink:href="§">x</maction></math>',
    '<script src="§"></script>', '<base href="§">', '<html manifest="§">', '<link rel=import href="§">',
    '<link rel=stylesheet href="javascript:x§">', '<meta http-equiv=refresh content="0;url=§">',
    '<meta http-equiv="Refresh" content="0;§">', "<meta http-equiv=refresh content=\"0; URL='§'\">",
    '<portal src="§"></portal>', '<fencedframe src="§"></fencedframe>', '<isindex action="§">',
    '<blockquote cite="§">x</blockquote>', '<img longdesc="§">', '<img usemap="§">', '<head profile="§">',
    '<a href="x" href="§">x</a>', '<a href="§" href="§">x</a>', '<a/href="§"/>x</a>', '<x><a href="§">x</a></x>',
    '<svg><foreignObject><a href="§">x</a></foreignObject></svg>', '<noscript><a href="§">x</a></noscript>',
    '<template><a href="§">x</a></template>', '<select><a href="§">x</a></select>',
    '<table><a href="§">x</a></table>', '<iframe srcdoc="<a href=§>x</a>"></iframe>',
)  # fmt: skip
IMAGES = (
    '<img src="§">', '<img srcset="§ 2x">', '<img lowsrc="§">', '<input type=image src="§">',
    '<table background="§"></table>', '<body background="§">', '<video poster="§"></video>',
    '<audio src="§"></audio>', '<source src="§">', '<picture><source srcset="x 1x, § 2x"></picture>',
    '<svg><image href="§"/></svg>', '<svg><feImage xlink:href="§"/></svg>', "<bgsound src='§'>",
    '<p style="background:url(§)">', '<p style="background:url(\'§\')">', "<track src='§'>",
    '<link rel=icon href="§">', "<style>a{background:url('§')}</style>", '<svg><rect fill="url(§)"/></svg>',
)  # fmt: skip
"""Places where nothing but a script's own scheme does harm."""
CODE = "alert(1)"
WAYS = (
    "<script>§</script>", "<SCRIPT>§</SCRIPT>", "<script\n>§</script >", "<script/x>§</script>",
    "<script type=module>§</script>", "<script type='text/vbscript'>§</script>", "<script>§",
    "<script><!--\n§\n--></script>", "<svg><script>§</script></svg>", "<svg><script>§</svg>",
    "<math><script>§</script></math>", "<svg><script href=data:,§ />", "<svg/><script>§</script>",
    "<script>0</script><script>§</script>", "<script/>§</script>", "<scr\x00ipt>§</script>",
    '<script type=importmap>{"imports":{"a":"data:text/javascript,§"}}</script>',
    '<script type=speculationrules>{"prerender":[{"urls":["/x"]}]}</script>',
    '<img src=x onerror="§">', '<img src=x ONERROR="§">', "<img src=x onerror='§'>",
    '<img src=x/onerror="§">', '<img src="x"onerror="§">', '<img src=x\nonerror\n=\n"§">',
    '<img src=x on\x00error="§">', '<img src=x onerror="§" onerror="x">', '<svg onload="§">',
    '<svg/onload="§"/>', '<svg><g onload="§">', '<body onload="§">', '<p><body onload="§">',
    '<input autofocus onfocus="§">', '<details open ontoggle="§">', '<video src=x onerror="§">',
    '<video><source onerror="§">', '<marquee onstart="§">', '<frameset onload="§">', '<a onclick="§">x</a>',
    '<x onclick="§" tabindex=1 id=x>x</x>', '<style onload="§"></style>', '<link rel=stylesheet href=x onerror="§">',
    '<iframe onload="§"></iframe>', '<object onerror="§" data=x></object>', '<html onmouseover="§">',
    '<svg><animate onbegin="§" attributeName=x dur=1s>', '<svg><set onbegin="§" attributeName=x to=1>',
    '<svg><set attributeName=onmouseover to="§"/>', '<svg><discard onbegin="§">',
    '<math><mtext onclick="§">x</mtext></math>', '<body onpageshow="§">', '<p onbeforetoggle="§" popover>',
    '<p style="animation:x" onanimationstart="§">', "<style>@keyframes x{}</style>",
    '<iframe srcdoc="<script>§</script>"></iframe>', '<iframe srcdoc="<img src=x onerror=§>"></iframe>',
    '<iframe srcdoc="&lt;img src=x onerror=§&gt;"></iframe>',
    "<iframe srcdoc='<iframe srcdoc=\"<img src=x onerror=§>\"></iframe>'></iframe>",
    '<svg><iframe srcdoc="<script>§</script>"></iframe></svg>',
    '<link rel=modulepreload href="data:text/javascript,§">', '<link rel=preload as=script href="/x.js">',
    '<link rel="x import" href="/x.html">', '<link rel=serviceworker href="/x.js">',
    '<p style="x:expression(§)">', '<p style="x:e\\78pression(§)">', '<p style="x:exp/**/ression(§)">',
    '<p style="behavior:url(x.htc)">', '<p style="-moz-binding:url(x.xml#x)">',
    "<style>*{x:expression(§)}</style>", "<style>*{b\\65havior : url(x)}</style>",
    "<style>*{-moz-binding/**/:url('x')}</style>", "<svg><style>*{x:expression(§)}</style></svg>",
    '<meta http-equiv=set-cookie content="x=y">', '<meta http-equiv=Link content="<x>; rel=import">',
    '<template shadowrootmode=open><img src=x onerror="§"></template>',
    "<div><template shadowrootmode=open><script>§</script></template></div>",
    "<noscript><img src=x onerror='§'></noscript>", "<head><noscript><script>§</script></noscript></head>",
    '<noscript><p title="</noscript><img src=x onerror=§>">', "<noscript><!--</noscript><img src=x onerror=§>-->",
    "<noscript><style></noscript><img src=x onerror=§></style>", '<select><noscript><p title="</noscript><img src=x onerror=§>">',
    '<title><p title="</title><img src=x onerror=§>">', '<textarea><p title="</textarea><img src=x onerror=§>">',
    '<svg><title><p title="</title><img src=x onerror=§>">', '<svg><style><p title="</style><img src=x onerror=§>">',
    '<math><title><p title="</title><img src=x onerror=§>">', '<svg><xmp><p title="</xmp><img src=x onerror=§>">',
    '<svg><textarea><g title="</textarea><img src=x onerror=§>">', '<svg></p><style><a id="</style><img src=x onerror=§>">',
    '<xmp><p title="</xmp><img src=x onerror=§>">', '<noembed><p title="</noembed><img src=x onerror=§>">',
    '<noframes><p title="</noframes><img src=x onerror=§>">', '<iframe><p title="</iframe><img src=x onerror=§>">',
    "<select><style></select><img src=x onerror=§></style>", "<select><textarea></select><img src=x onerror=§></textarea>",
    "<select><title></select><img src=x onerror=§></title>", "<select><xmp></select><img src=x onerror=§></xmp>",
    "<select><plaintext></select><img src=x onerror=§>", "<select><iframe></select><img src=x onerror=§></iframe>",
    "<select><noembed></select><img src=x onerror=§></noembed>", "<frameset><style><frame src='javascript:§'></style>",
    "<frameset><title><frame src='javascript:§'></title>", "<frameset><xmp><frame src='javascript:§'></xmp>",
    "<frameset><noframes><frame src='javascript:§'></noframes>", "<frameset><textarea><frame src='javascript:§'>",
    "<table><colgroup><style><img src=x onerror=§></style>", "<table><style><!--</style><img src=x onerror=§>-->",
    "<!-- --!><img src=x onerror=§> -->", "<!--><img src=x onerror=§> -->", "<!---><img src=x onerror=§> -->",
    "<!-- <!-- --><img src=x onerror=§> -->", "<!--[if IE]><script>§</script><![endif]-->", "<!x><img src=x onerror=§>",
    "<![if !IE]><script>§</script><![endif]>", "<?x ><img src=x onerror=§>?>", "</ ><img src=x onerror=§>",
    "</x title='><img src=x onerror=§>'>", '</p/title="<img src=x onerror=§>">', "<![CDATA[><img src=x onerror=§>]]>",
    "<svg><![CDATA[><img src=x onerror=§>]]></svg>", "<svg></svg><![CDATA[><img src=x onerror=§>]]>",
    "<svg><p><![CDATA[><img src=x onerror=§>]]>", "<math><mi><![CDATA[><img src=x onerror=§>]]></mi></math>",
    "<svg><desc><![CDATA[><img src=x onerror=§>]]></desc></svg>", "<math><annotation-xml><svg><style><img src=x onerror=§>",
    '<math><annotation-xml encoding="text/html"><style><img title="</style><img src=x onerror=§>">',
    '<svg><foreignObject><style><p title="</style><img src=x onerror=§>">', "<svg><font color=x><title><style></title><img src=x onerror=§>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=§>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=§&gt;">',
    "<style><!--</style><img src=x onerror=§>--></style>", "<style></style x><img src=x onerror=§>", "<style>/*</style><img src=x onerror=§>*/",
    "<a <img src=x onerror=§>", "<a title=x<img src=x onerror=§>", "<a title='<img src=x onerror=§>", "<a href onclick='1'='javascript:§'>x</a>",
    "<img src=x onerror=§", "<img src=x onerror='§", "<img src=x onerror=§ <p>", "<<img src=x onerror=§>", "<\x00img src=x onerror=§>",
    "<xml id=x><i><b>&lt;img src=x onerror=§&gt;</b></i></xml><p datasrc=#x dataformatas=html datafld=b>",
    '<svg><handler xmlns:ev="http://www.w3.org/2001/xml-events" ev:event="load">§</handler></svg>',
    "<image src=x onerror=§>", "<object data='javascript:§'>", '<object type="text/html" data="x"><img src=x onerror=§></object>',
    "<param name=src value='javascript:§'>", "<a ping='javascript:§' href=x>x</a>", "<plaintext><script>§</script>",
)  # fmt: skip


def documents() -> list[str]:
    """Every injection there is: the corpus, the seed's list, and every way and spelling."""
    out = list(CORPUS)
    for code in SEED_CODE:
        quoted = code.replace("&", "&amp;").replace('"', "&quot;")
        out += [
            f"<script>{code}</script>",
            f'<img src=x onerror="{quoted}">',
            f'<a href="javascript:{quoted}">x</a>',
            f'<iframe src="javascript:{quoted}"></iframe>',
            f'<svg onload="{quoted}">',
        ]
    out += [way.replace("§", CODE) for way in WAYS]
    out += [place.replace("§", url) for place in PLACES for url in SPELLINGS]
    out += [place.replace("§", url) for place in IMAGES for url in ACTIVE]
    return out
