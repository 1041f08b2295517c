// What a run changed, as links to where it can be looked at.

import { hasChanged } from "./tools.js";

const KINDS = { task: "tasks", project: "projects", note: "notes", brain_dump: "brain_dumps", event: "calendar" };
const VERBS = { create: "created", delete: "deleted", schedule: "scheduled", update: "changed" };

/** Return [{key, kind, id, name, done, href}] of the rows that the calls changed, each once, in order. */
export function changesOf(tools) {
  const found = new Map();
  for (const tool of tools.filter(hasChanged)) {
    for (const [name, kind] of Object.entries(KINDS)) {
      const row = tool.result?.[name];
      if (!row?.id) continue;
      const key = `${kind}:${row.id}`;
      const done = VERBS[tool.name.split("_")[0]] ?? "changed";
      const title = row.title ?? row.name ?? row.summary ?? kind;
      found.set(key, { key, kind, id: row.id, name: title, done: found.get(key)?.done === "created" ? "created" : done, href: `/workspace?kind=${kind}&row=${row.id}` });
      break;
    }
  }
  return [...found.values()];
}
