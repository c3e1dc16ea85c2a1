import type { CallId } from "./generated/CallId";
import type { CallState } from "./generated/CallState";
import type { CallView } from "./generated/CallView";

/** What the call card must show first: talk before rings, rings before what waits, the ended last. */
const RANK: Record<CallState, number> = {
  up: 0,
  resuming: 1,
  holding: 1,
  answering: 1,
  dialling: 2,
  remote_ringing: 2,
  ringing: 3,
  held: 4,
  ending: 5,
  ended: 6,
};

/** The call in the bar: the one the agent turned to, as long as it is alive; otherwise the most urgent, then the newest. */
export function shownCall(calls: readonly CallView[], chosen: CallId | null): CallView | null {
  const kept = calls.find((call) => call.id === chosen && call.state !== "ended");
  if (kept) return kept;
  const [first = null] = [...calls].sort((a, b) => RANK[a.state] - RANK[b.state] || b.id - a.id);
  return first;
}

/** The call that the ringing window is about: the newest that rings. */
export function ringingCall(calls: readonly CallView[]): CallView | null {
  return calls.findLast((call) => call.state === "ringing") ?? null;
}

/** The call `step` places further in the list, from `from`. */
export function neighbour(calls: readonly CallView[], from: CallId | null, step: 1 | -1): CallId | null {
  if (calls.length === 0) return null;
  const at = calls.findIndex((call) => call.id === from);
  const next = calls[(at + step + calls.length) % calls.length];
  return next ? next.id : null;
}

/** Whether the call still costs the agent's attention. */
export function alive(call: CallView | null): call is CallView {
  return call !== null && call.state !== "ended";
}

/** The calls that can be connected with this one: talked to, or waiting on hold. */
export function partners(calls: readonly CallView[], call: CallView): CallView[] {
  const settled = (one: CallView): boolean => one.state === "up" || one.state === "held";
  return settled(call) ? calls.filter((other) => other.id !== call.id && settled(other)) : [];
}

/** The calls that can be joined with this one, so that all hear each other. */
export function joinable(calls: readonly CallView[], call: CallView): CallView[] {
  return partners(calls, call).filter((other) => !(call.in_conference && other.in_conference));
}

/** Who is in the conference, besides the agent. */
export function conference(calls: readonly CallView[]): CallView[] {
  return calls.filter((call) => call.in_conference);
}
