// What a run cost: tokens of each call, step and agent, money where the price is known, and what today has left.

import { useEffect } from "../vendor/preact-hooks.mjs";
import { Empty } from "./empty.js";
import { html } from "./html.js";
import { hasEnded } from "./reducer.js";
import { refreshSettings, settings } from "./settings_store.js";
import { counted, duration, money, number } from "./wording.js";

export function UsagePanel({ run }) {
  const view = run.view.value;
  const ended = hasEnded(view);
  const calls = run.trace.value?.model_calls ?? [];
  useEffect(() => {
    refreshSettings();
  }, [ended]);
  if (!view.usage && !calls.length) {
    return html`<div class="stack">
      <${Empty} icon="usage" title="Nothing counted yet">Tokens and cost are counted per model call and added up here.<//>
      <${Today} />
    </div>`;
  }
  return html`<div class="stack">
    ${view.usage && html`<${Totals} usage=${view.usage} calls=${calls} cost=${run.trace.value?.run.cost} />`}
    ${calls.length > 0 && html`<${Calls} calls=${calls} agents=${run.trace.value.agents} />`}
    ${view.executors.some((one) => one.outcome) && html`<${Steps} view=${view} />`}
    <${Today} />
  </div>`;
}

function Totals({ usage, calls, cost }) {
  const cached = calls.reduce((sum, call) => sum + (call.cached_tokens ?? 0), 0);
  return html`<dl class="figures">
    <div><dt>Total</dt><dd>${number(usage.total_tokens)}</dd></div>
    <div><dt>Prompt</dt><dd>${number(usage.prompt_tokens)}</dd></div>
    <div><dt>Answer</dt><dd>${number(usage.completion_tokens)}</dd></div>
    ${cached > 0 && html`<div><dt>From cache</dt><dd>${number(cached)}</dd></div>`}
    <div><dt>Cost</dt><dd>${costWords(cost)}</dd></div>
  </dl>
  ${cost?.as_of && html`<p class="quiet small">Prices as of ${cost.as_of}.</p>`}`;
}

const costWords = (cost) => (cost?.amount === null || !cost ? "unknown" : money(cost));

function Calls({ calls, agents }) {
  const names = new Map(agents.map((agent) => [agent.id, agent.type === "planner" ? "Planner" : agent.name]));
  return html`<div class="scroll-x" tabindex="0" role="group" aria-label="Model calls"><table class="table">
    <caption>${counted(calls.length, "model call")}</caption>
    <thead><tr><th>Who</th><th>For</th><th class="num">Prompt</th><th class="num">Answer</th><th class="num">Time</th><th class="num">Cost</th></tr></thead>
    <tbody>
      ${calls.map((call) => html`<tr key=${call.id}>
        <td class="clip">${names.get(call.agent_id) ?? ""}</td>
        <td>${call.purpose.replaceAll("_", " ")}</td>
        <td class="num">${number(call.prompt_tokens)}${call.estimated ? " ≈" : ""}</td>
        <td class="num">${number(call.completion_tokens)}</td>
        <td class="num">${duration(call.duration_ms)}</td>
        <td class="num">${costWords(call.cost)}</td>
      </tr>`)}
    </tbody>
  </table></div>`;
}

function Steps({ view }) {
  const spent = new Map();
  for (const { step_number, outcome } of view.executors) {
    if (outcome) spent.set(step_number, (spent.get(step_number) ?? 0) + outcome.tokens);
  }
  const most = Math.max(1, ...spent.values());
  return html`<div>
    <h2 class="small-title">Executors by step</h2>
    <ul class="plain bars">
      ${[...spent].map(([step, tokens]) => html`<li key=${step}>
        <span>Step ${step}</span>
        <span class="meter" aria-hidden="true"><span style=${{ width: `${(100 * tokens) / most}%` }}></span></span>
        <span class="num">${number(tokens)}</span>
      </li>`)}
    </ul>
  </div>`;
}

function Today() {
  const known = settings.value;
  if (known === null) return null;
  const { today, limits } = known;
  return html`<div>
    <h2 class="small-title">Today</h2>
    <p class="small">
      ${counted(today.runs, "run")} · ${counted(today.model_calls, "model call")} · ${number(today.prompt_tokens + today.completion_tokens)} tokens · ${costWords(today.cost)}
    </p>
    <ul class="plain bars">
      ${limits.filter((limit) => limit.used !== null && limit.window_seconds !== null).map((limit) => html`<li key=${limit.name}>
        <span>${limit.name.replaceAll("_", " ")}</span>
        <span class="meter" aria-hidden="true"><span style=${{ width: `${Math.min(100, (100 * limit.used) / limit.limit)}%` }}></span></span>
        <span class="num">${number(limit.used)} of ${number(limit.limit)}</span>
      </li>`)}
    </ul>
  </div>`;
}
