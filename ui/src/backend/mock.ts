import type { Backend, Levels } from "./backend";
import { STATES, TRACES, type StateName } from "./states";

/**
 * The screens without a phone behind them, for pictures and accessibility checks: `?state=ringing&language=de&theme=dark`.
 * It is a build of its own (mode `mock`) and no part of the product.
 */
const query = new URLSearchParams(location.search);
const asked = query.get("state") ?? "idle";
const snapshot = STATES[asked in STATES ? (asked as StateName) : "idle"];

const theme = query.get("theme");
if (theme) document.documentElement.dataset["theme"] = theme;

/** A drawn face: nobody's picture. */
const PICTURE =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 44 44"><rect width="44" height="44" fill="#7aa2c8"/>' +
      '<circle cx="22" cy="17" r="8" fill="#fff"/><path d="M6 44a16 14 0 0 1 32 0z" fill="#fff"/></svg>',
  );

export const backend: Backend = {
  snapshot: () => Promise.resolve(snapshot),
  onSnapshot: () => Promise.resolve(),
  onLevels: (listener: (levels: Levels) => void) => {
    if (snapshot.media) listener({ microphone: -24, speaker: -18 });
    return Promise.resolve();
  },
  command: (command) => {
    console.info("command", JSON.stringify(command));
    return Promise.resolve();
  },
  avatar: () => Promise.resolve(snapshot.avatar === null ? null : PICTURE),
  keepRingtone: (name) => Promise.resolve(name),
  sipTrace: () => Promise.resolve(TRACES[asked] ?? []),
  keepSipTrace: (form) => {
    if (asked === "red")
      return Promise.reject("the SIP trace cannot be written to /home/alice: there is no room left");
    const file = `/home/alice/Downloads/sidetone-sip-2026-11-23T09-12-44Z.${form === "text" ? "txt" : "pcap"}`;
    return Promise.resolve(asked in TRACES ? file : null);
  },
  desktop: () =>
    Promise.resolve({
      language: query.get("language") ?? "en",
      version: "0.1.0",
      always_on_top: true,
      tray: true,
    }),
  surface: () => Promise.resolve({ above: query.has("above") }),
  ready: () => Promise.resolve(),
  painted: () => Promise.resolve(),
  setAlwaysOnTop: () => Promise.resolve(),
  putAway: () => Promise.resolve(),
  quit: () => Promise.resolve(),
};
