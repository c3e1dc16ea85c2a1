import { expect, it } from "vitest";

import { conference, joinable, neighbour, partners, ringingCall, shownCall } from "./calls";
import type { CallState } from "./generated/CallState";
import type { CallView } from "./generated/CallView";

const call = (id: number, state: CallState): CallView => ({
  id,
  state,
  direction: "incoming",
  name: "",
  number: "1001",
  queue: null,
  age_ms: 0,
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
});

it("keeps the talk in the bar when a second call rings", () => {
  expect(shownCall([call(1, "up"), call(2, "ringing")], null)?.id).toBe(1);
  expect(ringingCall([call(1, "up"), call(2, "ringing")])?.id).toBe(2);
});

it("shows what rings before what waits on hold, and what ended last", () => {
  expect(shownCall([call(1, "held"), call(2, "ringing")], null)?.id).toBe(2);
  expect(shownCall([call(1, "ended"), call(2, "held")], null)?.id).toBe(2);
  expect(shownCall([call(1, "ended")], null)?.id).toBe(1);
  expect(shownCall([], null)).toBeNull();
});

it("stays with the call that the agent turned to until it ends", () => {
  expect(shownCall([call(1, "up"), call(2, "held")], 2)?.id).toBe(2);
  expect(shownCall([call(1, "up"), call(2, "ended")], 2)?.id).toBe(1);
});

it("goes round the calls in both directions", () => {
  const calls = [call(1, "up"), call(2, "held"), call(3, "ringing")];
  expect(neighbour(calls, 3, 1)).toBe(1);
  expect(neighbour(calls, 1, -1)).toBe(3);
  expect(neighbour([], null, 1)).toBeNull();
});

it("connects only calls that are talked to or on hold", () => {
  const calls = [call(1, "held"), call(2, "up"), call(3, "ringing"), call(4, "ended"), call(5, "holding")];
  expect(partners(calls, call(2, "up")).map((other) => other.id)).toEqual([1]);
  expect(partners(calls, call(3, "ringing"))).toEqual([]);
});

it("joins what is talked to or held, and nothing twice", () => {
  const [one, two, three] = [call(1, "up"), call(2, "held"), call(3, "ringing")];
  expect(joinable([one, two, three], one)).toEqual([two]);
  const joined = [
    { ...one, in_conference: true },
    { ...two, state: "up" as const, in_conference: true },
  ];
  expect(conference([...joined, three])).toEqual(joined);
  const [first] = joined;
  expect(first && joinable([...joined, three], first)).toEqual([]);
});
