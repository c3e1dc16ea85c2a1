import { ringingCall } from "../calls";
import { telephone } from "../format";
import type { CallState } from "../generated/CallState";
import type { View } from "../generated/View";
import { words, type Arguments, type WordKey } from "../words.svelte";

/** What was true at the last announcement. */
export interface Told {
  green: boolean;
  presence: string;
  muted: boolean;
  states: ReadonlyMap<number, CallState>;
  recordings: ReadonlyMap<number, string>;
  faults: ReadonlyMap<number, string>;
  offers: ReadonlySet<string>;
  wrapUp: boolean;
}

/** What a screen reader has to say about a change. */
export interface News {
  told: Told;
  polite: string;
  urgent: string;
}

type Say = (key: WordKey, values?: Arguments) => string;

const SPOKEN: Partial<Record<CallState, WordKey>> = {
  up: "live_answered",
  held: "live_held",
  ended: "live_ended",
};

const RECORDINGS: Record<string, WordKey> = {
  on: "live_recorded",
  paused: "live_recording_paused",
  off: "live_not_recorded",
};

/** Compares the view with what was last said; a terse profile (screen-reader mode) hears the least that says it. */
export function announcements(before: Told | null, view: View, say: Say): News {
  const told: Told = {
    green: view.light.green,
    presence: `${view.presence.state}/${view.presence.reason ?? ""}`,
    muted: view.muted,
    states: new Map(view.calls.map((call) => [call.id, call.state])),
    recordings: new Map(view.calls.map((call) => [call.id, call.recording.state])),
    faults: new Map(view.calls.map((call) => [call.id, call.sound_fault?.code ?? ""])),
    offers: new Set(view.interactions.filter((one) => one.offered).map((one) => one.id)),
    wrapUp: view.wrap_up !== null,
  };
  const terse = view.screen_reader_mode;
  if (!before) return { told, polite: "", urgent: "" };
  const polite: string[] = [];
  let urgent = "";

  const ringing = ringingCall(view.calls);
  if (ringing && before.states.get(ringing.id) !== "ringing") {
    const who = ringing.name || telephone(ringing.number) || say("unknown_caller");
    urgent = terse
      ? say("live_call_terse", { who })
      : ringing.queue
        ? say("live_call_from_queue", { who, queue: ringing.queue })
        : say("live_call_from", { who });
  }
  for (const call of view.calls) {
    const was = before.states.get(call.id);
    if (was === call.state) continue;
    if (call.state === "up" && (was === "resuming" || was === "held")) polite.push(say("live_resumed"));
    else {
      const key = SPOKEN[call.state];
      if (key) polite.push(say(key));
    }
  }
  for (const call of view.calls) {
    const was = before.recordings.get(call.id);
    const key = RECORDINGS[call.recording.state];
    if (key && was !== undefined && was !== call.recording.state && call.state !== "ended")
      polite.push(say(key));
  }
  for (const call of view.calls) {
    if (call.sound_fault && before.faults.get(call.id) !== call.sound_fault.code) {
      urgent ||= words.notice(call.sound_fault);
    }
  }
  for (const offer of view.interactions) {
    if (!offer.offered || before.offers.has(offer.id)) continue;
    const channel = say(`channel_${offer.channel}` satisfies WordKey);
    polite.push(say("live_offer", { channel, who: offer.from || say("unknown_caller") }));
  }
  if (told.wrapUp && !before.wrapUp) polite.push(say("live_wrap_up"));
  if (told.muted !== before.muted) polite.push(say(told.muted ? "live_muted" : "live_unmuted"));
  if (told.presence !== before.presence && view.presence.state !== "unknown") {
    const paused = view.presence.state === "paused";
    if (terse) polite.push(say(paused ? "live_paused_terse" : "live_ready_terse"));
    else polite.push(paused ? say("live_paused", { reason: view.presence.reason ?? "" }) : say("live_ready"));
  }
  if (told.green !== before.green && view.phase === "signed_in") {
    if (told.green) polite.push(say("live_back"));
    else urgent ||= say("live_lost");
  }
  return { told, polite: polite.join(" "), urgent };
}
