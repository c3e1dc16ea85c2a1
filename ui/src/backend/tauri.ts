import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";

import type { Snapshot } from "../generated/Snapshot";
import type { TraceLine } from "../generated/TraceLine";
import type { Backend, Desktop, Levels, Room } from "./backend";

/** The real phone, behind the shell's commands and events. */
export const backend: Backend = {
  snapshot: () => invoke<Snapshot>("snapshot"),
  onSnapshot: async (listener) => {
    await listen<Snapshot>("snapshot", (event) => listener(event.payload));
  },
  onLevels: async (listener) => {
    await listen<Levels>("levels", (event) => listener(event.payload));
  },
  command: (command) => invoke("command", { command }),
  keepRingtone: (name, sound) =>
    invoke<string>("keep_ringtone", sound, { headers: { name: encodeURIComponent(name) } }),
  sipTrace: () => invoke<TraceLine[]>("sip_trace"),
  keepSipTrace: (form) => invoke<string | null>("keep_sip_trace", { form }),
  desktop: () => invoke<Desktop>("desktop"),
  surface: (surface) => invoke<Room>("surface", { surface }),
  ready: () => invoke("ready"),
  painted: () => invoke("painted"),
  setAlwaysOnTop: (on) => invoke("set_always_on_top", { on }),
  avatar: () => invoke("avatar"),
  putAway: () => invoke("put_away"),
  quit: () => invoke("quit"),
};
