import { expect, it } from "vitest";

import type { MediaView } from "./generated/MediaView";
import { quality, steady } from "./quality";

const media: MediaView = {
  call: 1,
  codec: "opus",
  keying: "AEAD_AES_128_GCM",
  packets_sent: 50,
  packets_received: 50,
  packets_lost: 0,
  packets_late: 0,
  loss: 0,
  jitter_ms: 3,
  network_ms: 12,
  buffer_ms: 40,
  device_ms: null,
  round_trip_ms: 24,
  concealed: 0,
  level_in_dbov: -20,
  level_out_dbov: -20,
  clipping: false,
  mos: 4.3,
  remote_mos: null,
  one_way: null,
};

it("judges by the worse of what both sides hear", () => {
  expect(quality(media)).toBe("good");
  expect(quality({ ...media, mos: 3.4 })).toBe("fair");
  expect(quality({ ...media, remote_mos: 2.2 })).toBe("poor");
});

it("judges without a score by what was made up and how late it came", () => {
  expect(quality({ ...media, mos: null })).toBe("good");
  expect(quality({ ...media, mos: null, concealed: 0.02 })).toBe("fair");
  expect(quality({ ...media, mos: null, round_trip_ms: 500 })).toBe("poor");
});

it("shows another word only when it holds, and at once for another call", () => {
  const bad = { ...media, mos: 2 };
  let word = steady(null, media, 0);
  word = steady(word, bad, 1_000);
  word = steady(word, media, 2_000);
  word = steady(word, bad, 3_000);
  word = steady(word, bad, 5_000);
  expect(word.shown).toBe("good");
  word = steady(word, bad, 5_600);
  expect(word.shown).toBe("poor");
  expect(steady(word, { ...media, call: 2 }, 5_700).shown).toBe("good");
});
