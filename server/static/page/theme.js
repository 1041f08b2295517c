// Light or dark: as the system has it, unless the person chose.

import { effect, signal } from "../vendor/signals.mjs";
import { keep, kept } from "./kept.js";

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

export const theme = signal(kept("theme") ?? (systemIsDark.matches ? "dark" : "light"));

systemIsDark.addEventListener("change", ({ matches }) => {
  if (kept("theme") === null) theme.value = matches ? "dark" : "light";
});

effect(() => {
  document.documentElement.dataset.theme = theme.value;
});

export function switchTheme() {
  theme.value = theme.value === "dark" ? "light" : "dark";
  keep("theme", theme.value);
}
