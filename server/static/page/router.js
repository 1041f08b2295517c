// Which screen the address names, and going to another without loading the page anew.

import { signal } from "../vendor/signals.mjs";

const OURS = /^\/(?:$|s\/|runs(?:\/|$)|compare\/|settings$|workspace$)/;

export const place = signal(here());

/** Go to an address; `replace` leaves no way back to this one. */
export function go(path, { replace = false } = {}) {
  if (path === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", path);
  place.value = here();
}

/** Put filters into the address of the screen that is shown. */
export function setQuery(parameters) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(parameters)) {
    query.delete(name);
    for (const one of [value].flat()) if (one) query.append(name, one);
  }
  const text = query.toString();
  go(location.pathname + (text ? `?${text}` : ""), { replace: true });
}

/** Follow links of the page and the browser's way back. */
export function startRouting() {
  window.addEventListener("popstate", () => {
    place.value = here();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (!link || !plain || event.defaultPrevented || link.target || link.origin !== location.origin) return;
    if (link.hasAttribute("download") || !OURS.test(link.pathname)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

function here() {
  const [name = "", ...rest] = location.pathname.split("/").filter(Boolean);
  return { screen: screenOf(name, rest), ids: rest, query: new URLSearchParams(location.search) };
}

function screenOf(name, ids) {
  if (name === "s" || name === "") return "chat";
  return name === "runs" && ids.length ? "run" : name;
}
