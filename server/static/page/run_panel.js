// The run beside the conversation: its plan, its executors, its tool calls, and what it used.

import { signal } from "../vendor/signals.mjs";
import { chosen } from "./conversation.js";
import { Empty } from "./empty.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { lazy } from "./lazy.js";
import { PlanPanel } from "./plan_panel.js";
import { RunHeader } from "./run_header.js";

const ExecutorsPanel = lazy(() => import("./executors.js"), "ExecutorsPanel");
const ToolsPanel = lazy(() => import("./tools_panel.js"), "ToolsPanel");
const UsagePanel = lazy(() => import("./usage.js"), "UsagePanel");

export const TABS = [
  { name: "plan", label: "Plan", key: "p", icon: "plan", panel: PlanPanel, count: (view) => view.steps.length },
  { name: "executors", label: "Executors", key: "e", icon: "lanes", panel: ExecutorsPanel, count: (view) => view.executors.length },
  { name: "tools", label: "Tools", key: "t", icon: "tool", panel: ToolsPanel, count: (view) => view.tools.length },
  { name: "usage", label: "Usage", key: "u", icon: "usage", panel: UsagePanel, count: () => 0 },
];

export const tab = signal("plan");
/** Whether the panel lies over the conversation, where there is no room for both. */
export const panelOpen = signal(false);

export function showTab(name) {
  tab.value = name;
  panelOpen.value = true;
}

export function RunPanel() {
  const run = chosen.value;
  const { panel: Panel } = TABS.find(({ name }) => name === tab.value);
  return html`<aside class=${`run-panel ${panelOpen.value ? "shown" : ""}`} aria-label="The run">
    <div class="panel-top">
      <${RunHeader} run=${run} />
      ${run?.id.value && html`<a class="bare" href=${`/runs/${run.id.value}`} title="Trace of this run"><${Icon} name="out" label="Trace of this run" /></a>`}
      <button class="bare only-narrow" onClick=${() => (panelOpen.value = false)}><${Icon} name="cross" label="Close the run" /></button>
    </div>
    <${Tabs} view=${run?.view.value} />
    <div class="panel-body" role="tabpanel" id="run-tab" aria-labelledby=${`tab-${tab.value}`} tabindex="0">
      ${run ? html`<${Panel} key=${run.id.value} run=${run} />` : html`<${Empty} icon="plan" title="No run yet">Send a message: its plan, executors and tool calls will be here as they happen.<//>`}
    </div>
  </aside>`;
}

function Tabs({ view }) {
  const step = (by) => {
    const place = TABS.findIndex(({ name }) => name === tab.value);
    tab.value = TABS[(place + by + TABS.length) % TABS.length].name;
    document.getElementById(`tab-${tab.value}`)?.focus();
  };
  const moved = (event) => {
    if (event.key === "ArrowRight") step(1);
    if (event.key === "ArrowLeft") step(-1);
  };
  return html`<div class="tabs" role="tablist" aria-label="What is shown of the run" onKeyDown=${moved}>
    ${TABS.map(({ name, label, count }) => {
      const many = view ? count(view) : 0;
      return html`<button
        key=${name}
        role="tab"
        id=${`tab-${name}`}
        aria-selected=${tab.value === name}
        aria-controls="run-tab"
        tabindex=${tab.value === name ? 0 : -1}
        onClick=${() => (tab.value = name)}
      >
        ${label}${many > 0 && html` <span class="count">${many}</span>`}
      </button>`;
    })}
  </div>`;
}
