// Signing in with a token: it is handed in once, and the browser keeps a cookie that no script can read.

import { useEffect, useRef, useState } from "../vendor/preact-hooks.mjs";
import { signIn } from "./api.js";
import { html } from "./html.js";

export function SignIn({ onSignedIn, isBack }) {
  const input = useRef();
  const [trouble, setTrouble] = useState("");
  useEffect(() => input.current.focus(), []);
  const submit = async (event) => {
    event.preventDefault();
    const token = input.current.value.trim().replace(/^bearer /i, "");
    input.current.value = "";
    if (!token) return;
    try {
      await signIn(token);
      onSignedIn();
    } catch (error) {
      setTrouble(error.code === "unauthorized" ? "This token is not valid, or not any more." : error.message);
    }
  };
  return html`<div class="sign-in" role="dialog" aria-modal=${isBack} aria-labelledby="sign-in-title">
    <form class="card" onSubmit=${submit}>
      <h1 id="sign-in-title">${isBack ? "You are signed out" : "Sign in to Planwright"}</h1>
      <p class="quiet">${isBack ? "What you typed is kept. " : ""}Open the link that <code>planwright serve</code> printed, or paste a token; <code>planwright token new --user you@example.org</code> makes one.</p>
      <label class="field"><span>Token</span><input ref=${input} type="password" autocomplete="off" spellcheck="false" required /></label>
      ${trouble && html`<p class="reason small" role="alert">${trouble}</p>`}
      <button class="primary">Sign in</button>
    </form>
  </div>`;
}
