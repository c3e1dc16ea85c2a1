import { describe, expect, it } from "vitest";

import type { PasswordRules } from "./generated/PasswordRules";
import { judge } from "./password";

const all: PasswordRules = {
  min_length: 8,
  upper: true,
  lower: true,
  digit: true,
  symbol: true,
  history: 5,
};
const missing = (typed: string, repeated = typed, rules = all): string[] =>
  judge(rules, typed, repeated)
    .filter((rule) => rule.met === false)
    .map((rule) => rule.key);

describe("a new password", () => {
  it.each([
    ["", ["rule_length", "rule_upper", "rule_lower", "rule_digit", "rule_symbol", "rule_repeat"]],
    ["short1!", ["rule_length", "rule_upper"]],
    ["longenough", ["rule_upper", "rule_digit", "rule_symbol"]],
    ["Long-enough-1", []],
    ["ÄÖ-umlaut-1", []],
    ["Pass word 1", []],
  ])("%j lacks %j", (typed, keys) => expect(missing(typed)).toEqual(keys));

  it("has to be typed twice", () => {
    expect(missing("Long-enough-1", "Long-enough-2")).toEqual(["rule_repeat"]);
  });

  it("is asked only what the server asks", () => {
    const few: PasswordRules = {
      min_length: 4,
      upper: false,
      lower: false,
      digit: false,
      symbol: false,
      history: 0,
    };
    expect(judge(few, "abcd", "abcd").map((rule) => rule.key)).toEqual(["rule_length", "rule_repeat"]);
  });

  it("leaves the history to the server", () => {
    expect(judge(all, "", "").find((rule) => rule.key === "rule_history")?.met).toBeNull();
  });

  it("counts letters, not their halves", () => {
    expect(missing("😀😀😀😀", "😀😀😀😀", { ...all, min_length: 5 })).toContain("rule_length");
  });
});
