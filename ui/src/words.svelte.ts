import { Faults } from "./faults";
import { fill, type Arguments } from "./fill";
import type { Notice } from "./generated/Notice";
import { settingName } from "./settings";
import english from "./words/bar.en.json";

export { fill, type Arguments } from "./fill";

/** Names a sentence of the catalogue. */
export type WordKey = keyof typeof english;
type Catalogue = Record<string, string>;

/** The languages of the catalogue; what is not among them is shown in the first. */
export const LANGUAGES = ["en", "it", "es", "fr", "de", "pt", "ar"] as const;
export type Language = (typeof LANGUAGES)[number];

const files = import.meta.glob<Catalogue>("./words/*.json", { eager: true, import: "default" });

function catalogue(kind: "bar" | "notices" | "faults", language: Language): Catalogue {
  return files[`./words/${kind}.${language}.json`] ?? {};
}

/** The catalogue's language that is nearest to a BCP 47 tag. */
export function nearestLanguage(tag: string): Language {
  const primary = tag.toLowerCase().split(/[-_.]/)[0];
  return LANGUAGES.find((language) => language === primary) ?? "en";
}

/** Puts the names of settings, in words, where a notice has the server's. */
function named(values: Arguments): Arguments {
  const all = { ...values };
  for (const key of ["field", "fields"]) {
    const fields = all[key];
    if (typeof fields === "string") all[key] = fields.split(", ").map(settingName).join(", ");
  }
  return all;
}

/** The words of one language. */
class Words {
  language = $state<Language>("en");
  #bar = $derived(catalogue("bar", this.language));
  #notices = $derived(catalogue("notices", this.language));
  #faults = $derived(catalogue("faults", this.language));
  #spare = catalogue("notices", "en");
  #known = new Faults(catalogue("faults", "en"));

  get rightToLeft(): boolean {
    return this.language === "ar";
  }

  /** A sentence of the bar. */
  say(key: WordKey, values: Arguments = {}): string {
    return fill(this.#bar[key] ?? english[key], values);
  }

  /** What the phone says, in words. */
  notice(notice: Notice): string {
    const { code, ...values } = notice;
    const sentence = this.#notices[code] ?? this.#spare[code] ?? code;
    const all: Arguments = named(values);
    for (const key of ["fault", "reason"]) {
      const why = all[key];
      // Beside its number a reason stands for whoever has to look it up.
      if (typeof why === "string" && code !== "registration_refused") all[key] = this.fault(why);
    }
    return fill(sentence, all).trim();
  }

  /** Why something did not work, in words. */
  fault(fault: string): string {
    return this.#known.say(fault, this.#faults);
  }
}

export const words = new Words();
export const t = (key: WordKey, values?: Arguments): string => words.say(key, values);
