import { describe, expect, it } from "vitest";

import { keyAction, type KeyContext, type Press } from "./keyboard";

const press = (key: string, over: Partial<Press> = {}): Press => ({
  key,
  modified: false,
  inField: false,
  onControl: false,
  ...over,
});
const idle: KeyContext = { call: null, calls: 0, wrapUp: false };
const ringing: KeyContext = { call: "ringing", calls: 1, wrapUp: false };
const up: KeyContext = { call: "up", calls: 1, wrapUp: false };
const two: KeyContext = { call: "up", calls: 2, wrapUp: false };

describe("keys", () => {
  it("dial with a digit anywhere, and send it as a tone in a call", () => {
    expect(keyAction(press("5"), idle)).toEqual({ do: "type", character: "5" });
    expect(keyAction(press("+"), idle)).toEqual({ do: "type", character: "+" });
    expect(keyAction(press("#"), up)).toEqual({ do: "tone", digit: "#" });
    expect(keyAction(press("+"), up)).toBeNull();
    expect(keyAction(press("5"), ringing)).toBeNull();
    expect(keyAction(press("5"), { call: "ended", calls: 1, wrapUp: false })).toEqual({
      do: "type",
      character: "5",
    });
  });

  it("leave a field that takes text alone, except Escape", () => {
    for (const key of ["5", "m", "h", "?", "Enter", "ArrowLeft"]) {
      expect(keyAction(press(key, { inField: true }), two)).toBeNull();
    }
    expect(keyAction(press("Escape", { inField: true }), idle)).toEqual({ do: "back" });
  });

  it("answer with Enter, unless a control has the focus: then Enter is that control's", () => {
    expect(keyAction(press("Enter"), ringing)).toEqual({ do: "answer" });
    expect(keyAction(press("Enter", { onControl: true }), ringing)).toBeNull();
    expect(keyAction(press("Enter"), up)).toBeNull();
  });

  it("mute and hold only where there is a call for it", () => {
    expect(keyAction(press("m"), up)).toEqual({ do: "mute" });
    expect(keyAction(press("M"), up)).toEqual({ do: "mute" });
    expect(keyAction(press("m"), idle)).toBeNull();
    expect(keyAction(press("h"), { call: "held", calls: 1, wrapUp: false })).toEqual({ do: "hold" });
    expect(keyAction(press("h"), ringing)).toBeNull();
  });

  it("hang up what there is to hang up, and pause at any time", () => {
    expect(keyAction(press("Delete"), up)).toEqual({ do: "hang_up" });
    expect(keyAction(press("Delete"), ringing)).toEqual({ do: "hang_up" });
    expect(keyAction(press("Delete"), idle)).toBeNull();
    expect(keyAction(press("Delete", { inField: true }), up)).toBeNull();
    expect(keyAction(press("p"), idle)).toEqual({ do: "pause" });
    expect(keyAction(press("P"), up)).toEqual({ do: "pause" });
  });

  it("hand over, record and describe only where there is a call for it", () => {
    expect(keyAction(press("t"), up)).toEqual({ do: "transfer" });
    expect(keyAction(press("r"), up)).toEqual({ do: "record" });
    expect(keyAction(press("t"), ringing)).toBeNull();
    expect(keyAction(press("r"), idle)).toBeNull();
    expect(keyAction(press("d"), { ...idle, wrapUp: true })).toEqual({ do: "dispose" });
    expect(keyAction(press("d"), idle)).toBeNull();
    expect(keyAction(press("d"), { ...up, wrapUp: true })).toBeNull();
    expect(keyAction(press("w"), idle)).toEqual({ do: "work" });
  });

  it("turn between calls only when there are several", () => {
    expect(keyAction(press("ArrowRight"), two)).toEqual({ do: "next_call" });
    expect(keyAction(press("ArrowLeft"), two)).toEqual({ do: "previous_call" });
    expect(keyAction(press("ArrowRight"), up)).toBeNull();
  });

  it("leave the system's own combinations alone", () => {
    expect(keyAction(press("m", { modified: true }), up)).toBeNull();
    expect(keyAction(press("5", { modified: true }), idle)).toBeNull();
  });
});
