// A search field that waits until the typing pauses, and never takes back what was typed.

import { useEffect, useRef } from "../vendor/preact-hooks.mjs";
import { html } from "./html.js";
import { Icon } from "./icons.js";

const PAUSE_MS = 250;

export function SearchBox({ label, placeholder = "Search", value, onSearch }) {
  const input = useRef();
  const timer = useRef();
  useEffect(() => {
    if (document.activeElement !== input.current) input.current.value = value;
  }, [value]);
  const typed = (event) => {
    const text = event.target.value.trim();
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onSearch(text), PAUSE_MS);
  };
  return html`<label class="search">
    <${Icon} name="search" />
    <span class="unseen">${label}</span>
    <input type="search" ref=${input} placeholder=${placeholder} onInput=${typed} />
  </label>`;
}
