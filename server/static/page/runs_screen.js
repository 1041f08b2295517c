// All runs: filtered by what stands in the address, newest first, two of them to be compared.

import { useEffect, useState } from "../vendor/preact-hooks.mjs";
import { get, withQuery } from "./api.js";
import { html } from "./html.js";
import { OpenFile } from "./open_file.js";
import { place, setQuery } from "./router.js";
import { SearchBox } from "./search_box.js";
import { NEVER, RUN_WORDS, STRATEGY_WORDS, counted, duration, exactly, money, number, oneLine, when } from "./wording.js";

const LOOK_MS = 5000; // while a run that is shown has not ended
const PAGE = 50;
export const KINDS = { queued: "", running: "live", waiting: "warn", done: "good", error: "bad", cancelled: "" };

export function RunsScreen() {
  const { query } = place.value;
  const address = query.toString();
  const [shown, setShown] = useState({ runs: [], next: null, state: "loading" });
  const [picked, setPicked] = useState([]);
  const read = async (after = null) => {
    try {
      const found = await get(withQuery("/api/agent/runs", { ...wanted(query), limit: PAGE, after }));
      setShown((before) => ({ ...found, runs: after ? [...before.runs, ...found.runs] : found.runs, state: "ready" }));
    } catch (error) {
      setShown({ runs: [], next: null, state: error.status === 422 || error.status === 400 ? "refused" : "unreachable" });
    }
  };
  useEffect(() => {
    read();
  }, [address]);
  const works = shown.runs.some((run) => run.finished_at === null);
  useEffect(() => {
    if (!works) return undefined;
    const timer = setInterval(() => document.hidden || read(), LOOK_MS);
    return () => clearInterval(timer);
  }, [works, address]);
  const pick = (run_id) => setPicked(picked.includes(run_id) ? picked.filter((one) => one !== run_id) : [...picked, run_id].slice(-2));
  return html`<main class="screen" id="main">
    <div class="bar screen-title">
      <h1 class="grow">Runs</h1>
      ${picked.length === 2 && html`<a class="primary small" href=${`/compare/${picked[0]}/${picked[1]}`}>Compare the two</a>`}
      <${OpenFile} />
    </div>
    <${Filters} query=${query} />
    ${shown.runs.length > 0 ? html`<${RunTable} runs=${shown.runs} picked=${picked} onPick=${pick} />` : html`<p class="quiet">${WORDS[shown.state]}</p>`}
    ${shown.next && html`<button class="ghost" onClick=${() => read(shown.next)}>Show older ones</button>`}
  </main>`;
}

const WORDS = {
  loading: "Loading…",
  ready: "No run is like that. Runs begin with a message in a conversation.",
  refused: "The address asks for something that is no filter.",
  unreachable: "The runs cannot be read just now.",
};

function wanted(query) {
  const many = (name) => query.getAll(name);
  const one = (name) => query.get(name);
  return { status: many("status"), strategy: many("strategy"), search: one("search"), session_id: one("session_id"), since: one("since"), until: one("until") };
}

function Filters({ query }) {
  const days = (event) => {
    const { value } = event.target;
    setQuery({ since: value ? new Date(Date.now() - Number(value) * 86_400_000).toISOString() : null });
  };
  const hasAny = [...query.keys()].length > 0;
  return html`<div class="filters" role="search" aria-label="Filters">
    <${SearchBox} label="Search requests" placeholder="Search requests" value=${query.get("search") ?? ""} onSearch=${(search) => setQuery({ search })} />
    <label><span class="unseen">Status</span><select value=${query.get("status") ?? ""} onChange=${(event) => setQuery({ status: event.target.value })}>
      <option value="">Any status</option>${Object.entries(RUN_WORDS).map(([value, words]) => html`<option value=${value}>${words}</option>`)}
    </select></label>
    <label><span class="unseen">Strategy</span><select value=${query.get("strategy") ?? ""} onChange=${(event) => setQuery({ strategy: event.target.value })}>
      <option value="">Any strategy</option>${Object.entries(STRATEGY_WORDS).map(([value, words]) => html`<option value=${value}>${words}</option>`)}
    </select></label>
    <label><span class="unseen">Time</span><select value="" onChange=${days}>
      <option value="">${query.get("since") ? `Since ${when(query.get("since"))}` : "Any time"}</option><option value="1">Last day</option><option value="7">Last week</option><option value="30">Last month</option>
    </select></label>
    ${hasAny && html`<a class="small" href="/runs">Clear</a>`}
  </div>`;
}

function RunTable({ runs, picked, onPick }) {
  return html`<div class="scroll-x card flush" tabindex="0" role="group" aria-label="Runs"><table class="table runs">
    <thead><tr>
      <th><span class="unseen">Compare</span></th><th>Request</th><th>Status</th><th>Strategy</th><th class="num">Steps</th><th class="num">Time</th><th class="num">Tokens</th><th class="num">Cost</th><th>When</th>
    </tr></thead>
    <tbody>${runs.map((run) => html`<${RunLine} key=${run.id} run=${run} picked=${picked.includes(run.id)} onPick=${() => onPick(run.id)} />`)}</tbody>
  </table></div>
  <p class="quiet small">${counted(runs.length, "run")} shown</p>`;
}

function RunLine({ run, picked, onPick }) {
  return html`<tr>
    <td><input type="checkbox" aria-label=${`Compare ${oneLine(run.request, 60)}`} checked=${picked} onChange=${onPick} /></td>
    <td class="request"><a href=${`/runs/${run.id}`} dir="auto" data-row>${oneLine(run.request, 90)}</a>
      ${run.error_code && html`<span class="small reason block">${run.error_code.replaceAll("_", " ")}</span>`}
      ${run.replay_of && html`<span class="badge">${run.writes === "dry" ? "dry fork" : "again"}</span>`}</td>
    <td><span class=${`badge ${KINDS[run.status]}`}>${RUN_WORDS[run.status] ?? run.status}</span></td>
    <td class="quiet">${(STRATEGY_WORDS[run.strategy] ?? NEVER).replace(" request", "")}</td>
    <td class="num">${run.steps_total ? `${run.steps_done}/${run.steps_total}` : NEVER}</td>
    <td class="num">${duration(run.duration_ms)}</td>
    <td class="num">${number(run.prompt_tokens + run.completion_tokens)}</td>
    <td class="num">${money(run.cost).replace("cost ", "")}</td>
    <td class="quiet"><time datetime=${run.created_at} title=${exactly(run.created_at)}>${when(run.created_at)}</time></td>
  </tr>`;
}
