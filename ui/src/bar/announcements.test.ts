import { expect, it } from "vitest";

import { STATES } from "../backend/states";
import type { View } from "../generated/View";
import { announcements } from "./announcements";

const say = (key: string, values: Record<string, string | number> = {}): string =>
  [key, ...Object.values(values)].join(" ");
const between = (before: View, after: View): { polite: string; urgent: string } => {
  const { polite, urgent } = announcements(announcements(null, before, say).told, after, say);
  return { polite, urgent };
};
const silent = { polite: "", urgent: "" };

it("says who calls and from which queue, once", () => {
  expect(between(STATES.idle.view, STATES.ringing.view)).toEqual({
    polite: "",
    urgent: "live_call_from_queue Jordan Ellis support",
  });
  expect(between(STATES.ringing.view, STATES.ringing.view)).toEqual(silent);
});

it("says answered, held, resumed and ended", () => {
  expect(between(STATES.ringing.view, STATES["in-call"].view).polite).toBe("live_answered");
  expect(between(STATES["in-call"].view, STATES["in-call-held"].view).polite).toBe("live_held");
  expect(between(STATES["in-call-held"].view, STATES["in-call"].view).polite).toBe("live_resumed");
  expect(between(STATES["remote-ringing"].view, STATES["call-busy"].view).polite).toBe("live_ended");
});

it("says muted, paused, connection lost and back", () => {
  expect(between(STATES["in-call"].view, STATES["in-call-muted"].view).polite).toBe("live_muted");
  expect(between(STATES.idle.view, STATES.paused.view).polite).toBe("live_paused Coffee break");
  expect(between(STATES.idle.view, STATES.red.view).urgent).toBe("live_lost");
  expect(between(STATES.red.view, STATES.idle.view).polite).toBe("live_back");
});

it("says nothing at the first view", () => {
  expect(announcements(null, STATES.ringing.view, say)).toMatchObject(silent);
});

it("says that a call is recorded, and that it is not any more", () => {
  const { polite } = between(STATES["in-call-may-record"].view, STATES["in-call-recorded"].view);
  expect(polite).toBe("live_recorded");
  expect(between(STATES["in-call-recorded"].view, STATES["in-call-recording-paused"].view).polite).toBe(
    "live_recording_paused",
  );
  expect(between(STATES["in-call-recorded"].view, STATES["in-call-may-record"].view).polite).toBe(
    "live_not_recorded",
  );
});

it("says what another channel offers, and that the time after the call began", () => {
  expect(between(STATES.idle.view, STATES["idle-offer"].view).polite).toBe(
    "live_offer channel_chat Dana Whitlock",
  );
  expect(between(STATES.idle.view, STATES["wrap-up"].view).polite).toBe("live_wrap_up");
});

it("says less in screen-reader mode", () => {
  const terse = (view: View): View => ({ ...view, screen_reader_mode: true });
  expect(between(terse(STATES.idle.view), terse(STATES.ringing.view)).urgent).toBe(
    "live_call_terse Jordan Ellis",
  );
  expect(between(terse(STATES.idle.view), terse(STATES.paused.view)).polite).toBe("live_paused_terse");
  expect(between(terse(STATES.paused.view), terse(STATES.idle.view)).polite).toBe("live_ready_terse");
});
