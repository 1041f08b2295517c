"""Texts that want to be more than text, wherever they are shown."""

from typing import Final

DONE: Final = "window.taken=1"
HOSTILE: Final = (
    f"<script>{DONE}</script>",
    f"<img src=x onerror={DONE}>",
    f"<svg onload={DONE}>",
    f"<svg><script>{DONE}</script></svg>",
    f"<svg><animate onbegin={DONE} attributeName=x dur=1s>",
    f'<iframe srcdoc="<script>parent.{DONE}</script>">',
    f"<body onload={DONE}>",
    f"<details open ontoggle={DONE}>",
    f"<video><source onerror={DONE}>",
    f"<input autofocus onfocus={DONE}>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={DONE}>",
    f'<a href="javascript:{DONE}">here</a>',
    f"[here](javascript:{DONE})",
    f"[here](JaVaScRiPt:{DONE})",
    f"[here](java\tscript:{DONE})",
    f"[here](&#106;avascript:{DONE})",
    f"[here](data:text/html,<script>{DONE}</script>)",
    f"[here](vbscript:{DONE})",
    "[here](//evil.example/x)",
    f"![x](x){{onerror={DONE}}}",
    f'![x" onerror="{DONE}](x)',
    f'[x]: javascript:{DONE} "x"\n\n[x]',
    f"<javascript:{DONE}>",
    f'<object data="javascript:{DONE}">',
    f'<embed src="javascript:{DONE}">',
    f'<form action="javascript:{DONE}"><button>Go</button></form>',
    f'<meta http-equiv="refresh" content="0;url=javascript:{DONE}">',
    '<base href="//evil.example/">',
    '<link rel="stylesheet" href="//evil.example/x.css">',
    '<style>@import "//evil.example/x.css";</style>',
    '<div style="background:url(//evil.example/x)">x</div>',
    f'"><script>{DONE}</script>',
    f"'-{DONE}-'",
    f"`${{{DONE}}}`",
    f"${{{DONE}}}",
    f"{{{{constructor.constructor('{DONE}')()}}}}",
    f"</textarea><script>{DONE}</script>",
    f"<!--><img src=x onerror={DONE}>-->",
    f'<noscript><p title="</noscript><img src=x onerror={DONE}>">',
    f"\u202e<img src=x onerror={DONE}>\u202c",
    f"```\n</code></pre><img src=x onerror={DONE}>\n```",
    f"| <img src=x onerror={DONE}> | b |\n|---|---|\n| [c](javascript:{DONE}) | d |",
)

# What is active in the page beside its own: elements that load, run or send, handlers, and addresses that run.
ACTIVE: Final = """() => {
  const found = [...document.querySelectorAll(
    "#page script, #page iframe, #page object, #page embed, #page img, #page video, #page audio, #page source," +
    "#page link, #page style, #page base, #page meta, #page math, #page form[action], #page animate, #page [srcdoc]")];
  for (const element of document.querySelectorAll("#page *")) {
    for (const { name, value } of element.attributes) {
      const leads = /^(href|src|action|formaction|xlink:href|data)$/.test(name);
      const runs = leads && !/^(https?:|mailto:|\\/|#)/i.test(value);
      const loads = name === "style" && /url|expression|@import/.test(value);
      if (name.startsWith("on") || runs || loads) found.push(element);
    }
  }
  return {active: found.map((element) => element.outerHTML.slice(0, 200)), taken: window.taken ?? null};
}"""
