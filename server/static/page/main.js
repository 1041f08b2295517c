// The page: at the left where one can go, then the screen that the address names.

import { useEffect, useState } from "../vendor/preact-hooks.mjs";
import { render } from "../vendor/preact.mjs";
import { signal } from "../vendor/signals.mjs";
import { get, signedIn } from "./api.js";
import { ChatScreen } from "./chat.js";
import { conversation, load, turns } from "./conversation.js";
import { html } from "./html.js";
import { Icon } from "./icons.js";
import { helpOpen, listenToKeys } from "./keyboard.js";
import { lazy } from "./lazy.js";
import { place, startRouting } from "./router.js";
import { SessionList, refreshSessions } from "./session_list.js";
import { switchTheme, theme } from "./theme.js";

const SignIn = lazy(() => import("./sign_in.js"), "SignIn");
const Help = lazy(() => import("./help.js"), "Help");
const SCREENS = {
  chat: ChatScreen,
  runs: lazy(() => import("./runs_screen.js"), "RunsScreen"),
  run: lazy(() => import("./trace_screen.js"), "TraceScreen"),
  compare: lazy(() => import("./compare_screen.js"), "CompareScreen"),
  settings: lazy(() => import("./settings_screen.js"), "SettingsScreen"),
  workspace: lazy(() => import("./workspace_screen.js"), "WorkspaceScreen"),
};
const NAMES = { chat: "Planwright", runs: "Runs", run: "Run", compare: "Two runs", settings: "Settings", workspace: "Workspace" };
const menuOpen = signal(false);

function Page() {
  const known = signedIn.value;
  const [wasIn, setWasIn] = useState(false);
  const { screen } = place.value;
  useEffect(() => {
    if (known) setWasIn(true);
  }, [known]);
  useEffect(() => {
    menuOpen.value = false;
    document.title = screen === "chat" ? (conversation.value.session?.title ?? NAMES.chat) : `${NAMES[screen] ?? ""} · Planwright`;
  }, [place.value, conversation.value.session]);
  if (known === null) return html`<p class="first quiet">Loading…</p>`;
  if (!known && !wasIn) return html`<${SignIn} onSignedIn=${backIn} />`;
  const Screen = SCREENS[screen] ?? NotThere;
  return html`<div class="page" inert=${!known}>
      <a class="skip" href="#main">To the main part</a>
      <${Side} />
      <${Screen} />
    </div>
    ${helpOpen.value && html`<${Help} />`}
    ${!known && html`<${SignIn} isBack onSignedIn=${backIn} />`}`;
}

// Whatever was cut off by signing out goes on.
function backIn() {
  refreshSessions();
  if (conversation.value.id && conversation.value.state !== "ready") load(conversation.value.id);
  for (const { run } of turns.value) if (run?.refusal.value?.code === "unauthorized") run.catchUp();
}

function Side() {
  const { screen } = place.value;
  const link = (name, href, icon, label) =>
    html`<a class="nav" href=${href} aria-current=${screen === name || (screen === "run" && name === "runs") ? "page" : null}><${Icon} name=${icon} /> ${label}</a>`;
  return html`<header class="topbar only-narrow">
      <button class="bare" aria-expanded=${menuOpen.value} onClick=${() => (menuOpen.value = !menuOpen.value)}><${Icon} name="menu" label="Menu" /></button>
      <b>Planwright</b>
    </header>
    <nav class=${`side ${menuOpen.value ? "shown" : ""}`} aria-label="Planwright">
      <a class="brand" href="/"><${Brand} /> Planwright</a>
      <a class="new" href="/"><${Icon} name="plus" /> New conversation</a>
      <${SessionList} />
      <div class="places">
        ${link("runs", "/runs", "runs", "Runs")} ${link("workspace", "/workspace", "board", "Workspace")} ${link("settings", "/settings", "gear", "Settings")}
      </div>
      <div class="bar tail">
        <button class="bare" title="Keys" onClick=${() => (helpOpen.value = true)}><${Icon} name="keys" label="Keys" /></button>
        <span class="grow"></span>
        <button class="bare" title=${theme.value === "dark" ? "Light" : "Dark"} onClick=${switchTheme}>
          <${Icon} name=${theme.value === "dark" ? "sun" : "moon"} label=${theme.value === "dark" ? "Light colours" : "Dark colours"} />
        </button>
      </div>
    </nav>
    ${menuOpen.value && html`<div class="shade only-narrow" onClick=${() => (menuOpen.value = false)}></div>`}`;
}

function Brand() {
  return html`<svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="8" />
    <path d="M11 16h4M18.5 16c2 0 1.5-6 4-6M18.5 16c2 0 1.5 6 4 6" />
    <circle cx="9" cy="16" r="3" /><circle cx="17" cy="16" r="2.4" /><circle cx="23.5" cy="10" r="2.6" /><circle cx="23.5" cy="22" r="2.6" />
  </svg>`;
}

function NotThere() {
  return html`<main class="screen" id="main"><h1>There is nothing here</h1><a href="/">To a new conversation</a></main>`;
}

startRouting();
listenToKeys();
get("/api/agent/sessions?limit=1").catch((error) => {
  if (error.status !== 401) signedIn.value = true; // the server is away or refuses this: the screens say so
});
render(html`<${Page} />`, document.getElementById("page"));
