// The page's icons, drawn here. They say nothing by themselves: a word stands beside each, or its label.

import { html } from "./html.js";

const PATHS = {
  chat: "M4 5h16v11H9l-4 4v-4H4z",
  plus: "M12 5v14M5 12h14",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5",
  runs: "M4 6h16M4 12h10M4 18h13",
  board: "M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z",
  gear: "M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.6 5.6l2.1 2.1M16.3 16.3l2.1 2.1M18.4 5.6l-2.1 2.1M7.7 16.3l-2.1 2.1",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  copy: "M9 9h10v11H9zM5 15V4h10",
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
  retry: "M5 12a7 7 0 1 0 2.2-5.1M5 4v4h4",
  pen: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
  bin: "M5 7h14M9 7V4h6v3M7 7l1 13h8l1-13",
  plan: "M6 12h4M14 6h-1.5c-2 0-2.5 1.5-2.5 3v6c0 1.5.5 3 2.5 3H14M3 9.5h5v5H3zM15 3.5h5v5h-5zM15 15.5h5v5h-5z",
  lanes: "M4 7h9M8 12h12M6 17h8",
  tool: "M14.5 6.5a4 4 0 0 0-5 5L4 17l3 3 5.5-5.5a4 4 0 0 0 5-5L15 12l-3-3z",
  usage: "M5 20V11M12 20V4M19 20v-6",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.5l3 2",
  skip: "M5 6l7 6-7 6zM13 6l7 6-7 6z",
  dots: "M12 4.5a7.5 7.5 0 1 0 7.5 7.5",
  circle: "M12 6a6 6 0 1 0 0 12 6 6 0 0 0 0-12z",
  shield: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z",
  warn: "M12 4l9 16H3zM12 10v4M12 17v.5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  moon: "M19 14.5A8 8 0 0 1 9.5 5a8 8 0 1 0 9.5 9.5z",
  menu: "M4 7h16M4 12h16M4 17h16",
  panel: "M4 5h16v14H4zM14 5v14",
  down: "M6 10l6 6 6-6",
  keys: "M3 7h18v10H3zM7 11h.5M11 11h.5M15 11h.5M8 14h8",
  folder: "M4 6h6l2 2h8v11H4z",
  note: "M6 4h9l4 4v12H6zM9 12h7M9 16h5",
  calendar: "M5 6h14v14H5zM5 10h14M9 3v4M15 3v4",
  fork: "M7 4v16M7 12c6 0 10-1 10-6M17 3v4M14 6l3-3 3 3",
  out: "M14 5h5v5M19 5l-8 8M17 14v5H5V7h5",
};

/** Draw an icon; with a label it is an image of its own, else it only decorates. */
export function Icon({ name, label, kind = "" }) {
  return html`<svg class=${`icon ${kind}`} viewBox="0 0 24 24" role=${label ? "img" : null} aria-label=${label} aria-hidden=${label ? null : "true"}>
    <path d=${PATHS[name]} />
  </svg>`;
}

const MARKS = {
  pending: "circle",
  idle: "circle",
  executing: "dots",
  completed: "check",
  failed: "cross",
  skipped: "skip",
  stopped: "stop",
};

/** Draw how a step, call or executor stands; the word for it stands beside it. */
export function Mark({ status }) {
  return html`<span class=${`mark ${status}`}><${Icon} name=${MARKS[status]} kind=${status === "executing" ? "turning" : ""} /></span>`;
}
