// The server's answers: JSON, or a refusal with its code. The session's cookie signs in by itself.

import { signal } from "../vendor/signals.mjs";

/** Whether the server knows who asks: true, false, or null before the first answer. */
export const signedIn = signal(null);
let signedOut = 0; // how often: what was asked before says nothing of what holds after

/** A request that was not served; `code` is one of docs/http.md, or "unreachable". */
export class Refusal extends Error {
  constructor(status, code, text, headers = new Headers()) {
    super(text);
    this.status = status;
    this.code = code;
    this.retry_after_ms = Number(headers.get("retry-after") ?? 0) * 1000;
  }
}

export const get = (path) => json("GET", path);
export const post = (path, body) => json("POST", path, body);
export const patch = (path, body) => json("PATCH", path, body);
export const remove = (path) => json("DELETE", path);

/** Send a request and return the response when it is a good one. */
export async function send(method, path, { body, headers = {}, signal: abort } = {}) {
  const sent = { method, headers: { ...headers }, signal: abort, cache: "no-store" };
  if (body !== undefined) {
    sent.body = JSON.stringify(body);
    sent.headers["Content-Type"] = "application/json";
  }
  const before = signedOut;
  let response;
  try {
    response = await fetch(path, sent);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "unreachable", "The server does not answer.");
  }
  if (response.ok) {
    if (before === signedOut) signedIn.value = true;
    return response;
  }
  throw await refusalOf(response);
}

/** Hand in a token once; the browser keeps a cookie that no script can read. */
export async function signIn(token) {
  const response = await fetch("/api/auth/session", {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw await refusalOf(response);
  signedIn.value = true;
}

export const signOut = () => remove("/api/auth/session");

/** Return a path with those query parameters that have a value; a list repeats its name. */
export function withQuery(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== null && one !== undefined && one !== "") query.append(name, one);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

async function json(method, path, body) {
  const response = await send(method, path, { body });
  return response.status === 204 ? null : response.json();
}

async function refusalOf(response) {
  if (response.status === 401) {
    signedOut += 1;
    signedIn.value = false;
  }
  const said = await response.json().catch(() => ({}));
  return new Refusal(response.status, said.code ?? "internal", said.error ?? "Something went wrong.", response.headers);
}
