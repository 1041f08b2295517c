// Opening an exported run: the file is read here and sent nowhere.

import { useState } from "../vendor/preact-hooks.mjs";
import { signal } from "../vendor/signals.mjs";
import { html } from "./html.js";
import { go } from "./router.js";

/** The trace in the file that was opened last, null when there is none. */
export const openedFile = signal(null);

export function OpenFile() {
  const [trouble, setTrouble] = useState("");
  const chosen = async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    const bundle = bundleIn(await file.text());
    if (bundle === null) {
      setTrouble("This is not an exported run.");
      return;
    }
    openedFile.value = bundle;
    go("/runs/file");
  };
  return html`<label class="ghost small file">Open a file<input class="unseen" type="file" accept="application/json,.json" onChange=${chosen} /></label>
    ${trouble && html`<span class="reason small" role="alert">${trouble}</span>`}`;
}

function bundleIn(text) {
  try {
    const bundle = JSON.parse(text);
    return Array.isArray(bundle?.trace?.model_calls) && bundle.trace.run ? bundle : null;
  } catch {
    return null;
  }
}
