// The list of keys.

import { useEffect, useRef } from "../vendor/preact-hooks.mjs";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { helpOpen } from "./keyboard.js";

const KEYS = [
  ["/", "to the message box"],
  ["Enter", "send"],
  ["Shift Enter", "a new line"],
  ["Esc", "stop the run, or close what is open"],
  ["j  k", "next and previous row"],
  ["p  e  t  u", "plan, executors, tools, usage"],
  ["n", "new conversation"],
  ["?", "this list"],
];

export function Help() {
  const close = useRef();
  useEffect(() => close.current.focus(), []);
  return html`<div class="veil" onClick=${() => (helpOpen.value = false)}>
    <section class="card help" role="dialog" aria-modal="true" aria-label="Keys" onClick=${(event) => event.stopPropagation()}>
      <div class="bar"><h2 class="grow">Keys</h2><button class="bare" ref=${close} onClick=${() => (helpOpen.value = false)}><${Icon} name="cross" label="Close the list" /></button></div>
      <dl class="keys">${KEYS.map(([key, does]) => html`<div key=${key}><dt>${key.split(/ +/).map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${does}</dd></div>`)}</dl>
    </section>
  </div>`;
}
