// The event log as it is stored, line by line.

import { useEffect, useState } from "../vendor/preact-hooks.mjs";
import { openLog } from "./following.js";
import { html } from "./html.js";
import { wordsOf } from "./notice.js";
import { frames } from "./sse.js";
import { Json } from "./tools.js";
import { counted, oneLine } from "./wording.js";

export function RawEvents({ run_id }) {
  const [held, setHeld] = useState(null);
  const [trouble, setTrouble] = useState(null);
  useEffect(() => {
    const abort = new AbortController();
    read(run_id, abort.signal, setHeld).catch((error) => abort.signal.aborted || setTrouble(error));
    return () => abort.abort();
  }, [run_id]);
  if (trouble) return html`<p class="quiet">${wordsOf(trouble.code, trouble.message)}</p>`;
  if (held === null) return html`<p class="quiet">Loading…</p>`;
  return html`<p class="small quiet">${counted(held.length, "event")}</p>
    <ol class="plain events">${held.map((event) => html`<${Line} key=${event.id} event=${event} />`)}</ol>`;
}

async function read(run_id, abort, show) {
  const response = await openLog({ run_id, after: 0 }, abort);
  const held = [];
  for await (const frame of frames(response.body)) {
    if (frame.data === undefined) continue;
    held.push({ ...frame, type: JSON.parse(frame.data).type });
    show([...held]);
  }
  show(held);
}

function Line({ event }) {
  const [open, setOpen] = useState(false);
  return html`<li>
    <button class="event" aria-expanded=${open} data-row onClick=${() => setOpen(!open)}>
      <span class="num quiet">${event.id}</span> <b>${event.type}</b> <span class="clip quiet mono">${oneLine(event.data, 300)}</span>
    </button>
    ${open && html`<${Json} title="" text=${event.data} />`}
  </li>`;
}
