import type { CallState } from "./generated/CallState";

/** What a key means at this moment. */
export type KeyAction =
  | { do: "type"; character: string }
  | { do: "tone"; digit: string }
  | { do: "answer" }
  | { do: "mute" }
  | { do: "hold" }
  | { do: "hang_up" }
  | { do: "transfer" }
  | { do: "record" }
  | { do: "dispose" }
  | { do: "work" }
  | { do: "pause" }
  | { do: "back" }
  | { do: "list_keys" }
  | { do: "next_call" }
  | { do: "previous_call" };

/** The pressed key and where the focus is. */
export interface Press {
  key: string;
  modified: boolean;
  /** The focus is in a field that takes text. */
  inField: boolean;
  /** The focus is on something that Enter and the arrows already work. */
  onControl: boolean;
}

/** What of the bar's state decides about keys. */
export interface KeyContext {
  call: CallState | null;
  calls: number;
  /** The time after a call, in which there is something to say about it. */
  wrapUp: boolean;
}

const DIGIT = /^[0-9*#]$/;

/** The bar's keyboard: a pure function, so that the list of keys can be tested as a table. */
export function keyAction(press: Press, context: KeyContext): KeyAction | null {
  if (press.modified) return null;
  if (press.key === "Escape") return { do: "back" };
  if (press.inField) return null;
  const { call } = context;
  if (DIGIT.test(press.key) || press.key === "+") {
    if (call === "up") return press.key === "+" ? null : { do: "tone", digit: press.key };
    return call === null || call === "ended" ? { do: "type", character: press.key } : null;
  }
  if (press.key === "?") return { do: "list_keys" };
  if (press.key === "Enter") return call === "ringing" && !press.onControl ? { do: "answer" } : null;
  if (context.calls > 1 && !press.onControl) {
    if (press.key === "ArrowRight" || press.key === "ArrowDown") return { do: "next_call" };
    if (press.key === "ArrowLeft" || press.key === "ArrowUp") return { do: "previous_call" };
  }
  switch (press.key.toLowerCase()) {
    case "m":
      return call === null || call === "ended" ? null : { do: "mute" };
    case "h":
      return call === "up" || call === "held" ? { do: "hold" } : null;
    case "t":
      return call === "up" || call === "held" ? { do: "transfer" } : null;
    case "r":
      return call === "up" || call === "held" ? { do: "record" } : null;
    case "d":
      return context.wrapUp && (call === null || call === "ended") ? { do: "dispose" } : null;
    case "w":
      return { do: "work" };
    case "p":
      return { do: "pause" };
    case "delete":
      return call === null || call === "ended" || call === "ending" ? null : { do: "hang_up" };
    default:
      return null;
  }
}
