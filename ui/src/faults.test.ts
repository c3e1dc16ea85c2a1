import { afterEach, expect, it } from "vitest";

import german from "./words/faults.de.json";
import { words } from "./words.svelte";

afterEach(() => (words.language = "en"));

const sources = import.meta.glob<string>(
  ["../../src-tauri/src/*.rs", "../../src-tauri/crates/{agent,engine,media,motion,profile,sip}/src/**/*.rs"],
  { eager: true, query: "?raw", import: "default" },
);

it("knows only what the phone still says", () => {
  const code = Object.values(sources).join("\n");
  for (const key of Object.keys(german)) {
    // What begins with a capital letter is said by SIP servers.
    if (/^[A-Z]/.test(key)) continue;
    const pieces = key.split(/\{\w+\}/).map((piece) => piece.replace(/^[:;, ]+|[:;, ]+$/g, ""));
    for (const piece of pieces.filter((piece) => piece.length > 1)) {
      expect(code.includes(piece), `nobody says “${piece}”`).toBe(true);
    }
  }
});

it("says why in the agent's language, whole", () => {
  words.language = "de";
  const refused = words.notice({
    code: "password_refused",
    fault: "it needs a digit, at least 12 characters",
  });
  expect(refused).toContain("eine Ziffer, mindestens 12 Zeichen");
  expect(words.fault("desk.example.com refuses connections on port 8443")).toBe(
    "desk.example.com lehnt Verbindungen auf Port 8443 ab",
  );
  expect(words.fault("phoneBarListenPort: 0 cannot be used; allowed: a port from 1 to 65535")).toBe(
    `${words.say("set_phoneBarListenPort")}: 0 ist nicht verwendbar; erlaubt: ein Port von 1 bis 65535`,
  );
  expect(words.notice({ code: "transfer_failed", status: 486, reason: "Busy Here" })).toContain("besetzt");
});

it("finds a fault within a fault", () => {
  words.language = "it";
  expect(words.fault("the connection to desk was lost: desk did not answer in time")).toBe(
    "la connessione a desk è caduta: desk non ha risposto in tempo",
  );
});

it("leaves what it does not know as it is", () => {
  words.language = "fr";
  expect(words.fault("Ihr Konto ruht seit gestern")).toBe("Ihr Konto ruht seit gestern");
});
