import { describe, expect, it } from "vitest";

import { clock, duration, initials, meter, moment, secondsLeft, telephone } from "./format";

describe("duration", () => {
  it.each([
    [0, "0:00"],
    [999, "0:00"],
    [61_000, "1:01"],
    [3_599_999, "59:59"],
    [3_600_000, "1:00:00"],
    [36_061_000, "10:01:01"],
    [-5, "0:00"],
  ])("%i ms is %s", (ms, text) => expect(duration(ms)).toBe(text));
});

describe("secondsLeft", () => {
  it("is never 0 while the countdown runs", () => {
    expect(secondsLeft(1)).toBe(1);
    expect(secondsLeft(3_000)).toBe(3);
    expect(secondsLeft(3_001)).toBe(4);
    expect(secondsLeft(0)).toBe(0);
    expect(secondsLeft(-100)).toBe(0);
  });
});

describe("telephone", () => {
  it.each([
    ["1001", "1001"],
    ["+442079460123", "+44 207 946 0123"],
    ["+15555550142", "+1 555 555 0142"],
    ["+35312345678", "+353 123 456 78"],
    ["5555550142", "5555 550 142"],
    ["***0123", "***0123"],
    ["+44 •••• 23", "+44 •••• 23"],
    ["sip:alice@example.com", "sip:alice@example.com"],
    ["", ""],
  ])("%s is shown as %s", (number, shown) => expect(telephone(number).replaceAll("\u00a0", " ")).toBe(shown));

  it("never loses or adds a digit", () => {
    for (let length = 7; length <= 15; length += 1) {
      for (const plus of ["", "+"]) {
        const number = plus + "9876543210987654".slice(0, length);
        expect(telephone(number).replaceAll("\u00a0", "")).toBe(number);
      }
    }
  });
});

describe("initials", () => {
  it.each([
    ["Jordan Ellis", "JE"],
    ["jordan", "J"],
    ["Morgan Reyes da Conceição", "MC"],
    ["", ""],
    ["+44 20", ""],
    ["ليلى حداد", "لح"],
  ])("of %s are %s", (name, letters) => expect(initials(name)).toBe(letters));
});

describe("meter", () => {
  it("fills from -60 dBov and bears silence and nonsense", () => {
    expect(meter(-60)).toBe(0);
    expect(meter(-30)).toBeCloseTo(0.5);
    expect(meter(0)).toBe(1);
    expect(meter(6)).toBe(1);
    expect(meter(-127)).toBe(0);
    expect(meter(Number.NaN)).toBe(0);
    expect(meter(Number.NEGATIVE_INFINITY)).toBe(0);
  });
});

describe("clock", () => {
  const noon = new Date(2026, 10, 22, 12, 5).getTime();
  it("gives the time alone on the same day, otherwise with the day", () => {
    expect(clock(noon, noon + 3_600_000, "de")).toBe("12:05");
    expect(clock(noon, noon + 30 * 3_600_000, "de")).toMatch(/^22\. Nov\..*12:05$/);
    expect(clock(noon, noon, "en")).toMatch(/^12:05\sPM$/);
  });
});

describe("moment", () => {
  const at = new Date(2026, 10, 23, 0, 5, 9, 7).getTime();
  it("is told to the millisecond, as servers' logs do", () => {
    expect(moment(at, "en")).toBe("00:05:09.007");
    expect(moment(at, "de")).toBe("00:05:09,007");
  });
});
