// The page by keyboard; help.js lists the keys.

import { signal } from "../vendor/signals.mjs";
import { stopRun } from "./composer.js";
import { underWay } from "./conversation.js";
import { focusBox } from "./focus.js";
import { go, place } from "./router.js";
import { TABS, panelOpen, showTab } from "./run_panel.js";

export const helpOpen = signal(false);

const isTyping = ({ target }) => target.matches?.("input, textarea, select, [contenteditable]");

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") escape(event);
    else if (!isTyping(event)) act(event);
  });
}

function escape(event) {
  if (helpOpen.value) helpOpen.value = false;
  else if (panelOpen.value && matchMedia("(max-width: 1099px)").matches) panelOpen.value = false;
  else if (underWay.value?.id.value) stopRun(underWay.value);
  else if (isTyping(event)) event.target.blur();
}

function act(event) {
  const wanted = ACTS[event.key] ?? tabOf(event.key);
  if (!wanted) return;
  event.preventDefault();
  wanted();
}

const ACTS = {
  "/": () => focusBox(),
  "?": () => (helpOpen.value = true),
  j: () => stepRow(1),
  k: () => stepRow(-1),
  n: () => go("/"),
};

function tabOf(key) {
  const found = place.value.screen === "chat" && TABS.find((tab) => tab.key === key);
  return found ? () => showTab(found.name) : null;
}

// Rows are stepped through within their own list, wherever the focus is; else in the main one.
function stepRow(by) {
  const around = document.activeElement?.closest("ul, ol, tbody, .column") ?? document.getElementById("main");
  const rows = [...(around?.querySelectorAll("[data-row]") ?? [])].filter((row) => row.offsetParent !== null);
  const here = rows.indexOf(document.activeElement?.closest("[data-row]"));
  rows[here === -1 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, here + by))]?.focus();
}
