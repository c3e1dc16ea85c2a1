import { telephone } from "../format";
import type { CallState } from "../generated/CallState";
import type { CallView } from "../generated/CallView";
import type { Notice } from "../generated/Notice";
import { t, words, type WordKey } from "../words.svelte";

const SENTENCE: Record<Exclude<CallState, "ended">, WordKey> = {
  ringing: "call_ringing",
  answering: "call_answering",
  dialling: "call_dialling",
  remote_ringing: "call_remote_ringing",
  up: "call_up",
  holding: "call_holding",
  held: "call_held",
  resuming: "call_resuming",
  ending: "call_ending",
};

/** What one side does not hear, short enough for the line under the name; what to do stands below the bar. */
const NOT_HEARD: Partial<Record<Notice["code"], WordKey>> = {
  microphone_silent: "cannot_hear_you",
  sound_not_arriving: "may_not_hear_you",
  nothing_heard: "you_hear_nothing",
};

/** A caller's name, or what stands in its place. */
export function whoIs(call: CallView): string {
  return call.name || telephone(call.number) || t("unknown_caller");
}

/** What is true of a call now, in the words of the line under the name. */
export function callSentence(call: CallView, muted: boolean, joined: readonly CallView[] = []): string {
  if (call.state === "ended") return call.end ? words.notice(call.end) : t("call_ended");
  if (call.transfer && call.state !== "ending") {
    if (call.transfer.state === "asked") return t("transfer_asked");
    if (call.transfer.state === "ringing") return t("transfer_ringing");
    if (call.transfer.state === "failed")
      return t("transfer_refused", { reason: words.fault(call.transfer.reason) });
  }
  if (call.state === "up") {
    if (call.interrupted) return t("call_interrupted");
    if (call.held_by_remote) return t("call_held_by_remote");
    if (muted) return t("call_muted");
    const notHeard = call.sound_fault && NOT_HEARD[call.sound_fault.code];
    if (notHeard) return t(notHeard);
    if (call.recording.state === "failed")
      return t("not_recorded", { fault: words.fault(call.recording.fault) });
  }
  if (call.in_conference && call.state === "up") {
    const others = joined.filter((other) => other.id !== call.id).map(whoIs);
    return others.length > 0 ? t("in_conference_with", { who: others.join(", ") }) : t("in_conference");
  }
  return t(SENTENCE[call.state]);
}

/** What is true of a call's recording, in a word or two; empty while there is none. */
export function recordingSentence(call: CallView): string {
  if (call.recording.state === "paused") return t("recording_paused");
  if (call.recording.state === "on") return call.recording_fixed ? t("recorded_by_server") : t("recorded");
  return "";
}

/** The colour of a call, always beside words that say the same. */
export function tint(call: CallView): "rings" | "talks" | "held" | "cut" | "failed" | "plain" {
  if ((call.interrupted || call.sound_fault) && call.state === "up") return "cut";
  switch (call.state) {
    case "ringing":
      return "rings";
    case "answering":
    case "up":
    case "resuming":
      return "talks";
    case "holding":
    case "held":
      return "held";
    case "ended":
      return call.end && !["call_ended", "call_transferred"].includes(call.end.code) ? "failed" : "plain";
    default:
      return "plain";
  }
}
