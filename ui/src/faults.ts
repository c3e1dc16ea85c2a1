import { settingName } from "./settings";
import { fill, type Arguments } from "./fill";

/** One way in which the phone says why something did not work, with `{places}` in it. */
interface Pattern {
  key: string;
  places: string[];
  is: RegExp;
}

/**
 * Why something did not work comes in the phone's own words. Each of them that a catalogue knows is said in the agent's
 * language; what another server said in its own stays as it is.
 */
export class Faults {
  readonly #patterns: Pattern[];

  constructor(known: Record<string, string>) {
    // The one that says most itself comes first: a host could otherwise be half a sentence.
    this.#patterns = Object.keys(known)
      .map(pattern)
      .sort((a, b) => b.is.source.length - a.is.source.length);
  }

  /** The same in the words of a catalogue. */
  say(fault: string, catalogue: Record<string, string>): string {
    for (const { key, places, is } of this.#patterns) {
      const found = is.exec(fault);
      if (!found) continue;
      const values: Arguments = {};
      places.forEach((place, at) => (values[place] = this.#part(place, found[at + 1] ?? "", catalogue)));
      return fill(catalogue[key] ?? key, values);
    }
    return fault;
  }

  /** What stands at a place: a setting's name, a list of rules, or a fault in the fault. */
  #part(place: string, value: string, catalogue: Record<string, string>): string {
    if (place === "field") return settingName(value);
    if (place === "rules")
      return value
        .split(", ")
        .map((rule) => this.say(rule, catalogue))
        .join(", ");
    return ["fault", "allowed"].includes(place) ? this.say(value, catalogue) : value;
  }
}

/** Places that hold one word. */
const WORDS = ["host", "port", "path", "status", "count", "field", "program"];

function pattern(key: string): Pattern {
  const places: string[] = [];
  const source = key.split(/(\{\w+\})/).map((piece) => {
    const [, place] = /^\{(\w+)\}$/.exec(piece) ?? [];
    if (place === undefined) return piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    places.push(place);
    return WORDS.includes(place) ? "(\\S+?)" : "(.+?)";
  });
  return { key, places, is: new RegExp(`^${source.join("")}$`, "s") };
}
