import type { CallView } from "../generated/CallView";
import type { Snapshot } from "../generated/Snapshot";
import type { View } from "../generated/View";

/** Every state that a screen can be in, as made-up snapshots. Numbers and names come from ranges kept for fiction. */

const view: View = {
  phase: "signed_in",
  sign_in_notice: null,
  light: { green: true, notice: { code: "registered" } },
  agent: {
    full_name: "Alice Moreau",
    internal: "1001",
    typology: "webrtc",
    auto_answer: { enabled: false, delay_s: 0 },
  },
  presence: {
    state: "ready",
    reason: null,
    pending: false,
    stale: false,
    online_for_ms: 8_047_000,
    paused_for_ms: null,
  },
  pause_reasons: [
    { id: 1, name: "Coffee break" },
    { id: 2, name: "Lunch" },
    { id: 3, name: "Training" },
    { id: 4, name: "Back office" },
    { id: 5, name: "Team meeting" },
  ],
  queues: [
    { id: 1, name: "support", waiting: 2 },
    { id: 2, name: "billing", waiting: 0 },
  ],
  calls: [],
  muted: false,
  permissions: { dial: true, settings: true, recording: false, dtmf_tones: true },
  warnings: [],
  toasts: [],
  toast_position: "top-right",
  screen_reader_mode: false,
};

const base: Snapshot = {
  revision: 1,
  at_ms: 0,
  view,
  devices: {
    microphones: [
      { id: "m1", name: "Headset microphone (Jabra Evolve2 40)", default: true },
      { id: "m2", name: "Built-in microphone", default: false },
    ],
    speakers: [
      { id: "s1", name: "Headset (Jabra Evolve2 40)", default: true },
      { id: "s2", name: "Built-in speakers", default: false },
    ],
    microphone: null,
    speaker: null,
    ringer: "s2",
    test_tone: false,
    monitoring: false,
  },
  media: null,
  last_server: "https://motion.example.com",
  last_name: "alice",
};

const incoming: CallView = {
  id: 7,
  direction: "incoming",
  state: "ringing",
  name: "Jordan Ellis",
  number: "+442079460123",
  queue: "support",
  age_ms: 4_200,
  talk_ms: null,
  auto_answer: null,
  interrupted: false,
  held_by_remote: false,
  end: null,
};
const outgoing: CallView = {
  ...incoming,
  direction: "outgoing",
  name: "",
  number: "+15555550142",
  queue: null,
};
const talking: CallView = { ...incoming, state: "up", age_ms: 160_000, talk_ms: 154_000 };
const media: Snapshot["media"] = {
  call: 7,
  codec: "opus",
  keying: "AEAD_AES_128_GCM",
  packets_sent: 7_712,
  packets_received: 7_698,
  packets_lost: 3,
  packets_late: 1,
  jitter_ms: 4.2,
  buffer_ms: 41,
  round_trip_ms: 38,
  concealed: 0.002,
  level_in_dbov: -21,
  level_out_dbov: -24,
};

function change(over: Partial<View>, rest: Partial<Snapshot> = {}): Snapshot {
  return { ...base, ...rest, view: { ...view, ...over } };
}
const withCalls = (...calls: CallView[]): Snapshot =>
  change({ calls }, calls.some((call) => call.state === "up") ? { media } : {});

const signedOut: Partial<View> = {
  phase: "signed_out",
  agent: null,
  light: { green: false, notice: { code: "signed_out" } },
};

export const STATES = {
  "sign-in-first": change(signedOut, { last_server: null, last_name: null }),
  "sign-in": change(signedOut),
  "sign-in-wrong-password": change({ ...signedOut, sign_in_notice: { code: "wrong_password" } }),
  "sign-in-certificate": change({
    ...signedOut,
    sign_in_notice: { code: "server_certificate", fault: "the certificate expired on 1 November 2026" },
  }),
  "sign-in-code": change({ ...signedOut, phase: "code_required", sign_in_notice: { code: "code_required" } }),
  "sign-in-waiting": change({ ...signedOut, phase: "signing_in" }),
  idle: change({}),
  "idle-warning": change({ warnings: [{ code: "codecs_left_out", codecs: "g729" }] }),
  paused: change({
    presence: { ...view.presence, state: "paused", reason: "Coffee break", paused_for_ms: 252_000 },
  }),
  "paused-asking": change({ presence: { ...view.presence, pending: true } }),
  "unpause-asking": change({
    presence: {
      ...view.presence,
      state: "paused",
      reason: "Coffee break",
      paused_for_ms: 252_000,
      pending: true,
    },
  }),
  "ready-stale": change({
    presence: { ...view.presence, stale: true },
    warnings: [{ code: "link_down", fault: "the server does not answer" }],
  }),
  "paused-stale": change({
    presence: {
      ...view.presence,
      state: "paused",
      reason: "Coffee break",
      paused_for_ms: 252_000,
      stale: true,
    },
    warnings: [{ code: "link_down", fault: "the server does not answer" }],
  }),
  red: change({
    light: { green: false, notice: { code: "registration_refused", status: 403, reason: "Forbidden" } },
    permissions: { ...view.permissions, dial: false },
  }),
  registering: change({
    light: { green: false, notice: { code: "registering" } },
    permissions: { ...view.permissions, dial: false },
  }),
  ringing: withCalls(incoming),
  "ringing-auto-answer": withCalls({ ...incoming, auto_answer: { left_ms: 3_000, total_ms: 5_000 } }),
  "ringing-withheld": withCalls({ ...incoming, name: "", number: "", queue: null }),
  dialling: withCalls({ ...outgoing, state: "dialling" }),
  "remote-ringing": withCalls({ ...outgoing, state: "remote_ringing" }),
  "in-call": withCalls(talking),
  "in-call-muted": { ...withCalls(talking), view: { ...view, calls: [talking], muted: true } },
  "in-call-held": withCalls({ ...talking, state: "held" }),
  "in-call-interrupted": withCalls({ ...talking, interrupted: true }),
  "in-call-second": withCalls(talking, {
    ...incoming,
    id: 8,
    name: "Morgan Reyes-Oliveira da Conceição",
    number: "+442079460188",
    queue: "billing",
  }),
  "call-busy": withCalls({ ...outgoing, state: "ended", age_ms: 9_000, end: { code: "call_busy" } }),
  toasts: change({ toasts: [{ id: 1, notice: { code: "call_missed" } }] }),
} satisfies Record<string, Snapshot>;

export type StateName = keyof typeof STATES;
