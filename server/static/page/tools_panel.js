// The log of tool calls, all of them or those that changed something or failed.

import { useState } from "../vendor/preact-hooks.mjs";
import { Empty } from "./empty.js";
import { html } from "./html.js";
import { hasEnded } from "./reducer.js";
import { ToolRow, hasChanged, isAwaited } from "./tools.js";
import { counted, spoken } from "./wording.js";

const SHOWN_AT_FIRST = 100; // rows: a log of thousands would make the page slow

export function ToolsPanel({ run }) {
  const [which, setWhich] = useState("all");
  const [most, setMost] = useState(SHOWN_AT_FIRST);
  const view = run.view.value;
  const ended = hasEnded(view);
  if (!view.tools.length) {
    return html`<${Empty} icon="tool" title="No tool calls">
      ${ended ? "This run called no tool." : "What is read and changed in your workspace is listed here, call by call."}
    <//>`;
  }
  const chosen = view.tools.filter(FILTERS[which]);
  return html`<div class="stack">
    <div class="segments" role="group" aria-label="Which calls are shown">
      ${["all", "changed", "failed"].map((name) => {
        const count = view.tools.filter(FILTERS[name]).length;
        return html`<button aria-pressed=${which === name} onClick=${() => setWhich(name)}>${spoken(name)} ${count}</button>`;
      })}
    </div>
    <ul class="plain tool-list" aria-label="Tool calls">
      ${chosen.slice(0, most).map((tool) => html`<${ToolRow} key=${tool.id} tool=${tool} ended=${ended} waits=${isAwaited(tool, view)} />`)}
    </ul>
    ${chosen.length > most && html`<button class="ghost wide" onClick=${() => setMost(most + 500)}>Show ${counted(chosen.length - most, "more call")}</button>`}
  </div>`;
}

const FILTERS = {
  all: () => true,
  changed: (tool) => hasChanged(tool),
  failed: (tool) => tool.success === false,
};
