import type { Command } from "../generated/Command";
import type { Snapshot } from "../generated/Snapshot";
import type { TraceForm } from "../generated/TraceForm";
import type { TraceLine } from "../generated/TraceLine";

/** Levels of the last 50 ms, in dBov. */
export interface Levels {
  microphone: number;
  speaker: number;
}

/** What the shell knows that the engine does not. */
export interface Desktop {
  /** The system's language as a BCP 47 tag, for example `pt-BR`. */
  language: string;
  version: string;
  always_on_top: boolean;
  /** There is a tray to close to; without one the bar is minimised instead. */
  tray: boolean;
}

/** How the window must be to hold what the bar shows. */
export interface Surface {
  screen: "sign_in" | "bar";
  /** Height of what opens beside the bar, in CSS pixels. */
  extra: number;
}

/** On which side of the bar the shell made room. */
export interface Room {
  above: boolean;
}

/** Everything the bar asks of the world outside its page. */
export interface Backend {
  /** The current snapshot; rejects with a sentence when the phone could not start. */
  snapshot(): Promise<Snapshot>;
  onSnapshot(listener: (snapshot: Snapshot) => void): Promise<void>;
  onLevels(listener: (levels: Levels) => void): Promise<void>;
  command(command: Command): Promise<void>;
  /** The picture of who is signed in, as a `data:` address. */
  avatar(): Promise<string | null>;
  /** Keeps a sound file where it will be found again, and says where; rejects with why it cannot. */
  keepRingtone(name: string, sound: Uint8Array): Promise<string>;
  /** The last SIP messages, the newest first. */
  sipTrace(): Promise<TraceLine[]>;
  /** Keeps them in a file and says where; nothing when there is no message yet. Rejects with why it cannot. */
  keepSipTrace(form: TraceForm): Promise<string | null>;
  desktop(): Promise<Desktop>;
  surface(surface: Surface): Promise<Room>;
  /** The page holds the current state: the window may be shown. */
  ready(): Promise<void>;
  /** The first frame after that is on the screen. */
  painted(): Promise<void>;
  setAlwaysOnTop(on: boolean): Promise<void>;
  /** Closes to the tray, or minimises where there is none. */
  putAway(): Promise<void>;
  quit(): Promise<void>;
}
