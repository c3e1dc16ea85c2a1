import { describe, expect, it } from "vitest";

import { SETTINGS } from "./backend/settings";
import { groupName, settingName, settingText } from "./settings";
import { words } from "./words.svelte";

describe("settings", () => {
  it("have a name in words, every one of them", () => {
    for (const group of SETTINGS) {
      expect(groupName(group.key)).not.toBe(group.key);
      for (const row of group.rows) expect(settingName(row.field), row.field).not.toBe(row.field);
    }
  });

  it("of the centre have one too: a notice names them", () => {
    for (const field of [
      "partialPause",
      "tabLimit",
      "pickupCode",
      "wrapUpSeconds",
      "dispositionRequired",
      "noAnswerSeconds",
      "passwordRules",
      "screenPops",
    ]) {
      expect(settingName(field), field).not.toBe(field);
    }
  });

  it("of a channel are named with the channel", () => {
    expect(settingName("chatAutoanswerDelay")).toBe("Chat: accept after");
    expect(settingName("somethingNew")).toBe("somethingNew");
  });

  it.each([
    ["chatCapacity", { kind: "number", value: 0 }, "No limit"],
    ["wssPort", { kind: "number", value: 8089 }, "8089"],
    ["phoneBarExpires", { kind: "seconds", value: 120 }, "120 s"],
    ["disabled", { kind: "flag", value: false }, "Off"],
    ["alias", { kind: "text", value: "" }, "Not set"],
    ["allow", { kind: "list", value: ["opus", "alaw"] }, "opus, alaw"],
    ["type", { kind: "choice", value: { chosen: "peer", among: [] } }, "Only takes calls"],
    ["nat", { kind: "choice", value: { chosen: "comedia", among: [] } }, "comedia"],
    ["passwordResetAt", { kind: "moment", value: "2026-09-07T12:00:00Z" }, "September 7, 2026"],
    ["passwordResetAt", { kind: "moment", value: "yesterday" }, "Not set"],
  ] as const)("%s %j is shown as %s", (field, value, shown) => {
    words.language = "en";
    const bare = value.kind === "list" ? { ...value, value: [...value.value] } : value;
    expect(settingText(field, bare as Parameters<typeof settingText>[1])).toBe(shown);
  });
});

it("settings that an administrator changed are named in the notice", () => {
  expect(words.notice({ code: "settings_changed", fields: "phoneBarAutoAnswer, chatCapacity" })).toContain(
    "Answer automatically, Chat: at the same time",
  );
});
