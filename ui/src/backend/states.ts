import type { CallView } from "../generated/CallView";
import type { HistoryEntry } from "../generated/HistoryEntry";
import type { Snapshot } from "../generated/Snapshot";
import type { TraceLine } from "../generated/TraceLine";
import type { View } from "../generated/View";
import { SETTINGS } from "./settings";

/** Every state that a screen can be in, as made-up snapshots. Numbers and names come from ranges kept for fiction. */

const view: View = {
  phase: "signed_in",
  sign_in_notice: null,
  sign_in_offer: null,
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
    channels: [],
  },
  pause_reasons: [
    { id: 1, name: "Coffee break" },
    { id: 2, name: "Lunch" },
    { id: 3, name: "Training" },
    { id: 4, name: "Back office" },
    { id: 5, name: "Team meeting" },
  ],
  queues: [
    { id: 1, name: "support", waiting: 2, strategy: "ringall" },
    { id: 2, name: "billing", waiting: 0, strategy: null },
  ],
  calls: [],
  muted: false,
  permissions: {
    dial: true,
    settings: true,
    recording: false,
    dtmf_tones: true,
    pickup: false,
    partial_pause: false,
    password: true,
  },
  warnings: [],
  toasts: [],
  toast_position: "top-right",
  screen_reader_mode: false,
  password_rules: { min_length: 10, upper: true, lower: true, digit: true, symbol: true, history: 5 },
  password_days_left: null,
  settings: SETTINGS,
  interactions: [],
  previews: [],
  callbacks: [],
  history: [],
  missed: 0,
  wrap_up: null,
  dispositions: [
    {
      id: 1,
      name: "Order",
      children: [
        {
          id: 11,
          name: "Delivery",
          children: [
            { id: 111, name: "Late", children: [] },
            { id: 112, name: "Damaged", children: [] },
            { id: 113, name: "Wrong address", children: [] },
          ],
        },
        { id: 12, name: "Cancelled", children: [] },
      ],
    },
    { id: 2, name: "Invoice", children: [{ id: 21, name: "Not understood", children: [] }] },
    { id: 3, name: "Wrong number", children: [] },
  ],
  remote_control_port: null,
  masked: false,
  link: { state: "live", notice: null },
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
    second_ringer: null,
    ringtone: null,
    ringtone_fault: null,
    country: null,
    voice: {
      echo_canceller: "auto",
      noise_suppression: true,
      automatic_gain: true,
      chosen: false,
      cancelling: false,
      echo_removed_db: null,
      echo_delay_ms: null,
    },
    test_tone: false,
    monitoring: false,
  },
  checks: {
    network: null,
    microphone: { state: "off", loudest_dbov: null, heard: null, clipping: false, fault: null },
    echo_number: null,
  },
  avatar: null,
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
  in_conference: false,
  sound_fault: null,
  end: null,
  recording: { state: "off" },
  recording_fixed: false,
  transfer: null,
  variables: [],
};
const outgoing: CallView = {
  ...incoming,
  direction: "outgoing",
  name: "",
  number: "+15555550142",
  queue: null,
};
const talking: CallView = { ...incoming, state: "up", age_ms: 160_000, talk_ms: 154_000 };
const media: NonNullable<Snapshot["media"]> = {
  call: 7,
  codec: "opus",
  keying: "AEAD_AES_128_GCM",
  packets_sent: 7_712,
  packets_received: 7_698,
  packets_lost: 3,
  packets_late: 1,
  loss: 0.002,
  jitter_ms: 4.2,
  network_ms: 19,
  buffer_ms: 41,
  device_ms: 24,
  round_trip_ms: 38,
  concealed: 0.002,
  level_in_dbov: -21,
  level_out_dbov: -24,
  clipping: false,
  mos: 4.3,
  remote_mos: 4.2,
  one_way: null,
};

function change(over: Partial<View>, rest: Partial<Snapshot> = {}): Snapshot {
  return { ...base, ...rest, view: { ...view, ...over } };
}
const withCalls = (...calls: CallView[]): Snapshot =>
  change({ calls }, calls.some((call) => call.state === "up") ? { media } : {});

const signedOut: Partial<View> = {
  phase: "signed_out",
  sign_in_offer: {
    server: "https://motion.example.com",
    ways: { password: true, browser: "Company sign-in" },
  },
  agent: null,
  light: { green: false, notice: { code: "signed_out" } },
};

const recording: View["permissions"] = { ...view.permissions, recording: true };
const asked: CallView = {
  ...outgoing,
  id: 9,
  name: "Samira Haddad",
  number: "1004",
  state: "up",
  age_ms: 21_000,
  talk_ms: 14_000,
};

const past = (id: number, over: Partial<HistoryEntry>): HistoryEntry => ({
  id,
  direction: "incoming",
  name: "",
  number: "+442079460123",
  queue: null,
  at_ms: 1_795_341_600_000 - id * 1_740_000,
  talk_ms: 154_000,
  missed: false,
  seen: true,
  callable: true,
  ...over,
});
const history: HistoryEntry[] = [
  past(1, { name: "Jordan Ellis", queue: "support", missed: true, seen: false, talk_ms: null }),
  past(2, { number: "•••100", queue: "billing", missed: true, seen: false, talk_ms: null }),
  past(3, { direction: "outgoing", number: "+15555550142" }),
  past(4, { name: "M••••• R••••", number: "•••188", queue: "billing", callable: false }),
  past(5, { name: "Morgan Reyes-Oliveira da Conceição", direction: "outgoing", talk_ms: null }),
  past(60, { name: "Samira Haddad", number: "1004", talk_ms: 3_723_000 }),
];

const work: Partial<View> = {
  history,
  missed: 2,
  callbacks: [
    {
      id: "c1",
      name: "Jordan Ellis",
      number: "+442079460123",
      queue: "support",
      due_ms: 1_795_345_200_000,
      note: "After three; asks about the second delivery",
    },
    { id: "c2", name: "", number: "•••188", queue: null, due_ms: null, note: "" },
  ],
  previews: [
    { id: "p1", name: "Dana Whitlock", number: "+15555550177", campaign: "Renewals", allowed: true },
    { id: "p2", name: "Imani Okafor", number: "+15555550178", campaign: null, allowed: true },
  ],
  interactions: [
    {
      id: "i1",
      channel: "chat",
      offered: true,
      from: "Dana Whitlock",
      queue: "web",
      auto_answer: { left_ms: 6_000, total_ms: 10_000 },
    },
    {
      id: "i2",
      channel: "email",
      offered: false,
      from: "d•••@example.com",
      queue: "letters",
      auto_answer: null,
    },
  ],
};
const channels: View["presence"]["channels"] = [
  { channel: "voice", paused: false, reason: null, pending: false, paused_for_ms: null },
  { channel: "chat", paused: true, reason: "Lunch", pending: false, paused_for_ms: 200_000 },
  { channel: "email", paused: false, reason: null, pending: true, paused_for_ms: null },
  { channel: "sms", paused: false, reason: null, pending: false, paused_for_ms: null },
];
const wrapUp: NonNullable<View["wrap_up"]> = {
  name: "Jordan Ellis",
  queue: "support",
  left: { left_ms: 24_000, total_ms: 30_000 },
  disposition_required: false,
  pending: false,
  disposed: false,
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
  "sign-in-browser": change({
    ...signedOut,
    phase: "in_browser",
    sign_in_notice: { code: "in_browser" },
  }),
  "sign-in-no-browser": change({ ...signedOut, sign_in_notice: { code: "no_browser_sign_in" } }),
  "sign-in-password": change({
    ...signedOut,
    phase: "password_required",
    sign_in_notice: { code: "password_required" },
  }),
  "sign-in-password-refused": change({
    ...signedOut,
    phase: "password_required",
    sign_in_notice: { code: "password_refused", fault: "it is one of your last five passwords" },
  }),
  "sign-in-elsewhere": change({
    ...signedOut,
    phase: "elsewhere",
    sign_in_notice: { code: "signed_in_elsewhere", device: "Windows, desk 12, since 08:58" },
  }),
  idle: change({}),
  "idle-picture": { ...change({}), avatar: 1 },
  missed: change({ ...work, interactions: [], permissions: { ...view.permissions, pickup: true } }),
  "idle-offer": change(work),
  "previews-paused": change({
    previews: (work.previews ?? []).map((preview) => ({ ...preview, allowed: false })),
    presence: { ...view.presence, state: "paused", reason: "Coffee break", paused_for_ms: 252_000 },
  }),
  "masked-and-remote": change({ masked: true, remote_control_port: 9888 }),
  "password-ages": change({
    password_days_left: 9,
    warnings: [{ code: "password_ages", days: 9 }],
    toasts: [{ id: 1, notice: { code: "password_ages", days: 9 } }],
  }),
  "partly-paused": change({
    permissions: { ...view.permissions, partial_pause: true },
    presence: { ...view.presence, channels },
  }),
  "wrap-up": change({ wrap_up: wrapUp }),
  "wrap-up-required": change({ wrap_up: { ...wrapUp, left: null, disposition_required: true } }),
  "wrap-up-long": change({ wrap_up: { ...wrapUp, left: { left_ms: 597_000, total_ms: 600_000 } } }),
  "wrap-up-disposed": change({ wrap_up: { ...wrapUp, disposed: true } }),
  "settings-changed": change({
    toasts: [
      { id: 1, notice: { code: "settings_changed", fields: "phoneBarAutoAnswer, phoneBarEnableRecording" } },
    ],
  }),
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
  "in-call-not-heard": change(
    { calls: [{ ...talking, sound_fault: { code: "microphone_silent" } }] },
    { media: { ...media, one_way: "microphone_silent" } },
  ),
  "in-call-poor": change(
    { calls: [talking] },
    {
      media: {
        ...media,
        packets_lost: 412,
        loss: 0.062,
        jitter_ms: 61,
        network_ms: 141,
        buffer_ms: 120,
        round_trip_ms: 282,
        concealed: 0.071,
        mos: 2.6,
        remote_mos: null,
        clipping: true,
      },
    },
  ),
  "in-call-two": withCalls(asked, { ...talking, state: "held" }),
  "in-call-conference": change(
    {
      calls: [
        { ...talking, in_conference: true },
        { ...asked, in_conference: true },
      ],
    },
    { media },
  ),
  polling: change({
    link: { state: "polling", notice: { code: "link_polling", fault: "the server did not answer" } },
  }),
  "devices-checked": change(
    {},
    {
      devices: {
        ...base.devices,
        ringtone: "/home/alice/.config/sidetone/ringtone/Marimba.wav",
        voice: {
          ...base.devices.voice,
          echo_canceller: "on",
          noise_suppression: true,
          automatic_gain: true,
          chosen: true,
        },
      },
      checks: {
        network: {
          running: false,
          servers: [
            {
              url: "stun:stun.example.com:3478",
              round_trip_ms: 21.4,
              seen_as: "203.0.113.24:51822",
              relays: null,
              fault: null,
            },
            {
              url: "turns:turn.example.com:5349",
              round_trip_ms: null,
              seen_as: null,
              relays: false,
              fault: "turn.example.com did not answer in time",
            },
          ],
          echo: {
            number: "*43",
            packets_received: 248,
            loss: 0.008,
            jitter_ms: 6.1,
            round_trip_ms: 44,
            mos: 4.2,
            fault: null,
          },
          fault: null,
        },
        microphone: { state: "off", loudest_dbov: -14, heard: true, clipping: false, fault: null },
        echo_number: "*43",
      },
    },
  ),
  "in-call-second": withCalls(talking, {
    ...incoming,
    id: 8,
    name: "Morgan Reyes-Oliveira da Conceição",
    number: "+442079460188",
    queue: "billing",
  }),
  "in-call-may-record": change({ calls: [talking], permissions: recording }, { media }),
  "in-call-recorded": change(
    {
      calls: [
        {
          ...talking,
          recording: { state: "on" },
          variables: [
            ["Campaign", "Renewals"],
            ["Customer-Id", "C-10442"],
          ],
        },
      ],
      permissions: recording,
    },
    { media },
  ),
  "in-call-recording-paused": change(
    { calls: [{ ...talking, recording: { state: "paused" } }], permissions: recording },
    { media },
  ),
  "in-call-recorded-by-server": withCalls({
    ...talking,
    recording: { state: "on" },
    recording_fixed: true,
  }),
  "in-call-transferring": withCalls({ ...talking, state: "held", transfer: { state: "ringing" } }),
  "in-call-transfer-failed": withCalls({
    ...talking,
    transfer: { state: "failed", status: 486, reason: "Busy Here" },
  }),
  "in-call-asked": withCalls({ ...talking, state: "held" }, asked),
  "call-busy": withCalls({ ...outgoing, state: "ended", age_ms: 9_000, end: { code: "call_busy" } }),
  "toasts-bottom-left": change({
    toast_position: "bottom-left",
    screen_reader_mode: true,
    toasts: [{ id: 1, notice: { code: "call_missed" } }],
  }),
  toasts: change({ toasts: [{ id: 1, notice: { code: "call_missed" } }] }),
} satisfies Record<string, Snapshot>;

export type StateName = keyof typeof STATES;

const AT = Date.UTC(2026, 10, 23, 9, 12, 44, 120);
const traced = (age_ms: number, sent: boolean, line: string, answers: string | null = null): TraceLine => ({
  at_ms: AT - age_ms,
  sent,
  line,
  answers,
});
const registered: TraceLine[] = [
  traced(161_200, false, "SIP/2.0 200 OK", "REGISTER"),
  traced(161_260, true, "REGISTER sip:phone.example.com SIP/2.0"),
  traced(161_310, false, "SIP/2.0 401 Unauthorized", "REGISTER"),
  traced(161_380, true, "REGISTER sip:phone.example.com SIP/2.0"),
];

/** What the wire said before a screen looked so, the newest first; elsewhere it said nothing. */
export const TRACES: Partial<Record<string, TraceLine[]>> = {
  "in-call": [
    traced(38_000, false, "OPTIONS sip:1001@k3v9x2q0.invalid;transport=ws;ob SIP/2.0"),
    traced(154_000, false, "ACK sip:1001@k3v9x2q0.invalid;transport=ws;ob SIP/2.0"),
    traced(154_080, true, "SIP/2.0 200 OK", "INVITE"),
    traced(159_900, true, "SIP/2.0 180 Ringing", "INVITE"),
    traced(160_000, false, "INVITE sip:1001@k3v9x2q0.invalid;transport=ws;ob SIP/2.0"),
    ...registered,
    ...registered.map((line) => ({ ...line, at_ms: line.at_ms - 114_000 })),
    ...registered.map((line) => ({ ...line, at_ms: line.at_ms - 228_000 })),
  ],
  red: [traced(900, false, "SIP/2.0 403 Forbidden", "REGISTER"), ...registered.slice(1)],
};
