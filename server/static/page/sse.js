// Reading `text/event-stream` from a response's body: frames as they come, whatever the cuts.

export const SILENCE_MS = 35_000; // the server says something every 15 s; twice missed is lost

/** The connection said nothing for too long, or ended in the middle. */
export class Lost extends Error {}

/**
 * Yield each frame of a body as {id, data} or {retry}.
 *
 * Raises Lost when nothing came for `silence_ms`.
 */
export async function* frames(body, silence_ms = SILENCE_MS) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await withinSilence(reader.read(), silence_ms);
      if (done) return;
      const parts = (rest + value).split("\n\n");
      rest = parts.pop();
      yield* parts.map(parsed).filter((frame) => frame !== null);
    }
  } finally {
    reader.cancel().catch(() => {}); // the connection may be gone already
  }
}

function withinSilence(reading, silence_ms) {
  let timer;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Lost("silence")), silence_ms);
  });
  return Promise.race([reading, silence]).finally(() => clearTimeout(timer));
}

function parsed(block) {
  const fields = new Map();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ""));
  }
  if (fields.has("data")) return { id: Number(fields.get("id")), data: fields.get("data") };
  return fields.has("retry") ? { retry: Number(fields.get("retry")) } : null;
}
