// A part of the page that is fetched when it is first shown.

import { useEffect } from "../vendor/preact-hooks.mjs";
import { h } from "../vendor/preact.mjs";
import { signal } from "../vendor/signals.mjs";
import { html } from "./html.js";

/** Return the component `name` of the module that `load` imports. */
export function lazy(load, name) {
  const found = signal(null);
  return function Lazy(props) {
    useEffect(() => {
      load().then(
        (module) => (found.value = module[name]),
        () => (found.value = Missing),
      );
    }, []);
    return found.value === null ? null : h(found.value, props);
  };
}

function Missing() {
  return html`<p class="quiet" role="alert">This part of the page could not be loaded. <button class="linkish" onClick=${() => location.reload()}>Load the page again</button></p>`;
}
