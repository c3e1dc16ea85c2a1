import { words } from "./words.svelte";

/** Gives the page its language, its direction and, when the profile asks for it, stillness. */
export function dressPage(calm: boolean): void {
  const root = document.documentElement;
  root.lang = words.language;
  root.dir = words.rightToLeft ? "rtl" : "ltr";
  root.toggleAttribute("data-calm", calm);
}
