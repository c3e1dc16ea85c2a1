import { describe, expect, it } from "vitest";

import english from "./words/bar.en.json";
import { fill, LANGUAGES, nearestLanguage, words } from "./words.svelte";

const files = import.meta.glob<Record<string, string>>("./words/*.json", { eager: true, import: "default" });
const names = (sentence: string): string[] =>
  [...sentence.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "").sort();

describe.each(LANGUAGES)("the words of %s", (language) => {
  it.each(["bar", "notices", "faults"])("have every sentence of %s with its arguments", (kind) => {
    const original = files[`./words/${kind}.en.json`] ?? {};
    const translated = files[`./words/${kind}.${language}.json`] ?? {};
    expect(Object.keys(translated).sort()).toEqual(Object.keys(original).sort());
    for (const [key, sentence] of Object.entries(original)) {
      const places = names(translated[key] ?? "");
      // Which request it was stands in English only: no agent asked for it by that name.
      const wanted = names(sentence).filter((name) => name !== "job" || places.includes(name));
      expect(places, `${language} ${key}`).toEqual(wanted);
    }
  });
});

it("finds the language of a regional tag and falls back to English", () => {
  expect(nearestLanguage("pt-BR")).toBe("pt");
  expect(nearestLanguage("de_AT.UTF-8")).toBe("de");
  expect(nearestLanguage("tlh")).toBe("en");
  expect(nearestLanguage("")).toBe("en");
});

it("fills arguments and leaves a missing one visible", () => {
  expect(fill("{a} of {b}", { a: 1 })).toBe("1 of {b}");
});

it("says a notice in the language of the system", () => {
  words.language = "de";
  expect(words.notice({ code: "wrong_password" })).not.toBe("wrong_password");
  expect(words.say("quit")).toBe("Beenden");
  words.language = "en";
  expect(words.say("quit")).toBe(english.quit);
});
