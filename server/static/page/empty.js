// What a panel says while it has nothing to show: why, and what will be there.

import { html } from "./html.js";
import { Icon } from "./icons.js";

export function Empty({ icon, title, children }) {
  return html`<div class="empty">
    <${Icon} name=${icon} />
    <b>${title}</b>
    <p>${children}</p>
  </div>`;
}
