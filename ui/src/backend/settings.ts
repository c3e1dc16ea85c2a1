import type { Layer } from "../generated/Layer";
import type { SettingGroup } from "../generated/SettingGroup";
import type { SettingRow } from "../generated/SettingRow";
import type { SettingValue } from "../generated/SettingValue";

/** A made-up profile with every setting there is, each layer and each kind of value. */

const row = (
  field: string,
  value: SettingValue,
  layer: Layer = "server",
  changeable = false,
): SettingRow => ({ field, value, layer, changeable });
const text = (value: string): SettingValue => ({ kind: "text", value });
const flag = (value: boolean): SettingValue => ({ kind: "flag", value });
const number = (value: number): SettingValue => ({ kind: "number", value });
const seconds = (value: number): SettingValue => ({ kind: "seconds", value });
const list = (...value: string[]): SettingValue => ({ kind: "list", value });
const choice = (chosen: string, ...among: string[]): SettingValue => ({
  kind: "choice",
  value: { chosen, among },
});

const CHANNELS = ["chat", "email", "sms", "openchannel", "fax", "whatsapp"];

export const SETTINGS: SettingGroup[] = [
  {
    key: "account",
    rows: [
      row("userpic", text("/api/agents/1/avatar")),
      row("fullname", text("Alice Moreau")),
      row("name", text("alice")),
      row("alias", text("Alice")),
      row("email", text("alice.moreau@example.com")),
      row("phone", text("+44 20 7946 0111")),
      row("mobile", text("")),
      row("description", text("Second line, deliveries and returns")),
      row("internal", text("1001")),
      row("typology", choice("webrtc", "webrtc", "phonebar", "external", "mobile")),
      row("loginInPause", flag(false), "default"),
      row("teams", list("Deliveries", "Returns")),
      row("profile", text("Agent, second line")),
      row("queues", list("support", "billing", "web")),
      row("aiBot", text("")),
    ],
  },
  {
    key: "security",
    rows: [
      row("passwordResetAt", { kind: "moment", value: "2026-09-07T08:30:00Z" }),
      row("disabled", flag(false)),
      row("blocked", flag(false)),
      row("privacyEnabled", flag(true)),
      row("privacyName", choice("off", "off", "partial", "full")),
      row("privacyEmail", choice("full", "off", "partial", "full")),
      row("privacyNumber", choice("partial", "off", "partial", "full"), "policy"),
    ],
  },
  { key: "authentication", rows: [row("adSsoEnabled", flag(false)), row("samlId", text("a.moreau"))] },
  {
    key: "notifications",
    rows: [
      row(
        "notificationPosition",
        choice(
          "top-right",
          "top-left",
          "top-center",
          "top-right",
          "bottom-left",
          "bottom-center",
          "bottom-right",
        ),
        "agent",
        true,
      ),
    ],
  },
  {
    key: "voice",
    rows: [
      row("host", text("dynamic")),
      row("nat", choice("force_rport", "yes", "no", "never", "route", "force_rport", "comedia"), "default"),
      row("type", choice("friend", "friend", "user", "peer")),
      row("allow", list("opus", "g722", "alaw")),
      row("callerid", text('"Alice Moreau" <1001>'), "server", true),
      row("context", text("from-sip")),
      row("callgroup", list("1")),
      row("pickupgroup", list("1", "2")),
      row("chanspy", flag(true)),
      row("videosupport", flag(false), "default"),
      row("recordingFormat", choice("wav49", "inactive", "wav", "wav49", "gsm"), "policy"),
      row("encryption", flag(true)),
      row("phoneBarExpires", seconds(120), "default"),
      row("phoneBarOutboundProxy", text(""), "default"),
      row("phoneBarListenPort", number(5160), "default"),
      row("phoneBarUnconditional", text("")),
      row("phoneBarBusy", text("1004")),
      row("phoneBarNoReply", text("1099")),
    ],
  },
  {
    key: "channels",
    rows: CHANNELS.flatMap((channel) => [
      row(`${channel}Capacity`, number(channel === "chat" ? 3 : 0)),
      row(`${channel}AdvancedSearch`, flag(false), "default"),
    ]),
  },
  {
    key: "auto_answer",
    rows: CHANNELS.flatMap((channel) => [
      row(`${channel}Autoanswer`, flag(channel === "chat")),
      row(`${channel}AutoanswerDelay`, seconds(channel === "chat" ? 10 : 0)),
    ]),
  },
  {
    key: "webrtc",
    rows: [
      row("wssPort", number(8089)),
      row("phoneBarEnableSettings", flag(true)),
      row("phoneBarAutoAnswer", flag(true), "agent", true),
      row("phoneBarAutoAnswerDelay", seconds(5), "server", true),
      row("phoneBarAutoAnswerNotification", flag(true), "policy"),
      row("phoneBarRingInUse", flag(false)),
      row("phoneBarEnableRecording", flag(true)),
      row("phoneBarEnableDtmfTone", flag(true), "default", true),
      row("phoneBarDnd", flag(true)),
      row("phoneBarIgnoreBreakPreview", flag(false), "default"),
      row("phoneBarRemoteControl", flag(false), "policy"),
      row("phoneBarRemoteControlPort", number(9888), "default"),
      row("phoneBarUnansweredCallBadge", flag(true), "server", true),
      row("phoneBarEnableJaws", flag(false), "default", true),
    ],
  },
];
