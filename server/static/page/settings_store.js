// What the server says of itself: models, limits, today's use, tools. Read when a screen needs it.

import { signal } from "../vendor/signals.mjs";
import { get } from "./api.js";

export const settings = signal(null);

export async function refreshSettings() {
  try {
    settings.value = await get("/api/agent/settings");
  } catch {
    // What was known stays; whoever may not read it sees the rest of the page.
  }
}
