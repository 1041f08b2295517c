// Markdown of an answer as DOM. Raw HTML becomes text first, and what is left passes DOMPurify:
// no images, no forms, links to http(s) and mailto only.

import { Marked } from "../vendor/marked.mjs";
import "../vendor/purify.js";

const { DOMPurify } = globalThis;

const ALLOWED = {
  ALLOWED_TAGS: [
    ..."a b blockquote br code del em h1 h2 h3 h4 h5 h6 hr li ol p pre strong table tbody td th thead tr ul".split(" "),
  ],
  ALLOWED_ATTR: ["href", "start", "align"],
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const escaped = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const marked = new Marked({
  gfm: true,
  breaks: false,
  renderer: {
    html: ({ text }) => escaped(text),
    image: ({ text }) => escaped(text),
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  if (!node.hasAttribute("href")) return;
  node.setAttribute("rel", "noopener noreferrer");
  node.setAttribute("target", "_blank");
});

/** Return the blocks of a text: each can be shown for itself, and an earlier one does not change as the text grows. */
export function blocksOf(text) {
  const tokens = marked.lexer(text);
  return tokens.filter((token) => token.type !== "space").map((token) => ({ raw: token.raw, links: tokens.links }));
}

/** Return one block as a document fragment that holds nothing active. */
export function rendered({ raw, links }) {
  const tokens = Object.assign(marked.lexer(raw), { links });
  return DOMPurify.sanitize(marked.parser(tokens), ALLOWED);
}
