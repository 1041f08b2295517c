// What the person works with: models, limits and today's use, tools, tokens, and whether all is well.

import { useEffect, useState } from "../vendor/preact-hooks.mjs";
import { get, post, remove, signOut } from "./api.js";
import { html } from "./html.js";
import { Icon, Mark } from "./icons.js";
import { wordsOf } from "./notice.js";
import { refreshSettings, settings } from "./settings_store.js";
import { NEVER, counted, day, money, number, spoken } from "./wording.js";

export function SettingsScreen() {
  useEffect(() => {
    refreshSettings();
  }, []);
  const known = settings.value;
  return html`<main class="screen" id="main">
    <div class="bar screen-title"><h1 class="grow">Settings</h1><button class="ghost small" onClick=${leave}>Sign out</button></div>
    ${known === null ? html`<p class="quiet">Loading…</p>` : html`<div class="settings">
      <${Models} models=${known.models} />
      <${Use} today=${known.today} limits=${known.limits} />
      <${Tokens} />
      <${CheckUp} />
      <${Tools} tools=${known.tools} />
      <p class="quiet small">Planwright ${known.version} · <a href="/docs">API</a></p>
    </div>`}
  </main>`;
}

// Loaded anew, the page holds nothing of whoever left.
async function leave() {
  await signOut();
  location.assign("/");
}

function Models({ models }) {
  return html`<section class="card" aria-labelledby="models"><h2 id="models">Models</h2>
    <ul class="plain list">${models.map((model) => html`<li key=${`${model.profile}-${model.name}`}>
      <span class="grow"><b>${model.name}</b> <span class="quiet small block">${model.offline ? "built in, works by rules; it is not a language model" : `asked at ${model.provider}`}</span></span>
      <span class="badge">${model.profile}</span>
    </li>`)}</ul>
  </section>`;
}

function Use({ today, limits }) {
  const counting = limits.filter((limit) => limit.used !== null);
  const single = limits.filter((limit) => limit.used === null);
  return html`<section class="card" aria-labelledby="use"><h2 id="use">Use and limits</h2>
    <dl class="figures">
      <div><dt>Runs today</dt><dd>${number(today.runs)}</dd></div>
      <div><dt>Model calls</dt><dd>${number(today.model_calls)}</dd></div>
      <div><dt>Tokens</dt><dd>${number(today.prompt_tokens + today.completion_tokens)}</dd></div>
      <div><dt>Cost</dt><dd>${money(today.cost).replace("cost ", "")}</dd></div>
    </dl>
    <ul class="plain bars">${counting.map((limit) => html`<li key=${limit.name}>
      <span>${spoken(limit.name)}</span>
      <span class="meter" aria-hidden="true"><span style=${{ width: `${Math.min(100, (100 * limit.used) / limit.limit)}%` }}></span></span>
      <span class="num">${number(limit.used)} of ${number(limit.limit)}</span>
    </li>`)}</ul>
    <details><summary>Limits of a single run</summary><dl class="facts-list">${single.map((limit) => html`<div key=${limit.name}><dt>${spoken(limit.name)}</dt><dd>${number(limit.limit)}</dd></div>`)}</dl></details>
  </section>`;
}

function Tools({ tools }) {
  return html`<section class="card" aria-labelledby="tools"><h2 id="tools">Tools</h2>
    <p class="quiet small">Executors are given only what reads.</p>
    <ul class="plain list">${tools.map((tool) => html`<li key=${tool.name}>
      <span class="grow"><b>${spoken(tool.name)}</b><span class="quiet small block" dir="auto">${tool.description}</span></span>
      <span class=${`badge ${tool.access === "write" ? "warn" : ""}`}>${tool.access === "write" ? "changes" : "reads"}</span>
    </li>`)}</ul>
  </section>`;
}

function Tokens() {
  const [tokens, setTokens] = useState(null);
  const [made, setMade] = useState(null);
  const [trouble, setTrouble] = useState(null);
  const read = () => get("/api/auth/tokens").then((found) => setTokens(found.tokens), setTrouble);
  useEffect(() => {
    read();
  }, []);
  const make = async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    setTrouble(null);
    try {
      setMade(await post("/api/auth/tokens", { name: form.get("name"), days: Number(form.get("days")), scopes: form.getAll("scope") }));
      event.target.reset();
      read();
    } catch (error) {
      setTrouble(error);
    }
  };
  const revoke = async (token_id) => {
    await remove(`/api/auth/tokens/${token_id}`).catch(setTrouble);
    read();
  };
  return html`<section class="card" aria-labelledby="tokens"><h2 id="tokens">API tokens</h2>
    <form class="bar token-form" onSubmit=${make}>
      <label class="field grow"><span>Name</span><input name="name" required maxlength="100" /></label>
      <label class="field days"><span>Days</span><input name="days" type="number" min="1" max="366" value="7" /></label>
      <fieldset class="bar"><legend class="unseen">Permits</legend>
        <label class="check"><input type="checkbox" name="scope" value="read" checked /> read</label>
        <label class="check"><input type="checkbox" name="scope" value="write" checked /> write</label>
      </fieldset>
      <button class="primary">Make a token</button>
    </form>
    ${made && html`<div class="made" role="status"><p class="small">The token of “${made.name}”, shown this once:</p><code>${made.token}</code></div>`}
    ${trouble && html`<p class="reason small" role="alert">${wordsOf(trouble.code, trouble.message)}</p>`}
    <ul class="plain list">${(tokens ?? []).map((token) => html`<li key=${token.id}>
      <span class="grow"><b dir="auto">${token.name || "Without a name"}</b><span class="quiet small block">${token.scopes.join(", ")} · until ${day(token.expires_at)} · last used ${token.last_used_at ? day(token.last_used_at) : NEVER}</span></span>
      <button class="ghost small" onClick=${() => revoke(token.id)}>Revoke<span class="unseen"> ${token.name}</span></button>
    </li>`)}</ul>
    ${tokens?.length === 0 && html`<p class="quiet small">You have none.</p>`}
  </section>`;
}

function CheckUp() {
  const [checks, setChecks] = useState(null);
  const [trouble, setTrouble] = useState(null);
  const look = () => {
    setTrouble(null);
    get("/api/agent/doctor").then((found) => setChecks(found.checks), setTrouble);
  };
  return html`<section class="card" aria-labelledby="check-up"><div class="bar"><h2 id="check-up" class="grow">Check-up</h2><button class="ghost small" onClick=${look}>Look</button></div>
    ${trouble && html`<p class="quiet small" role="alert">${trouble.code === "forbidden" ? "This is for whoever administers the installation." : wordsOf(trouble.code, trouble.message)}</p>`}
    ${checks && html`<p class="small">${counted(checks.filter((check) => !check.ok).length, "check")} failed, ${checks.length} made.</p>
      <ul class="plain list">${checks.map((check) => html`<li key=${check.name + check.says}>
        <${Mark} status=${check.ok ? "completed" : "failed"} /><span class="grow"><b>${check.name}</b> <span class="small">${check.ok ? "" : "failed: "}${check.says}</span>${check.next_step && html`<span class="small quiet block">${check.next_step}</span>`}</span>
      </li>`)}</ul>`}
    ${!checks && !trouble && html`<p class="quiet small"><${Icon} name="shield" /> Database, roles, keys, models, clock and versions.</p>`}
  </section>`;
}
