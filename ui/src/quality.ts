import type { MediaView } from "./generated/MediaView";
import type { WordKey } from "./words.svelte";

/** How a call sounds, in three steps that can be told apart by eye and by word. */
export type Quality = "good" | "fair" | "poor";

/** Judges the last second: by its score where there is one, and by what makes people talk over each other. */
export function quality(media: MediaView): Quality {
  const trip = media.round_trip_ms ?? 0;
  const worst = Math.min(media.mos ?? 5, media.remote_mos ?? 5);
  if (worst < 3.1 || media.concealed > 0.05 || trip > 450 || media.jitter_ms > 80) return "poor";
  if (worst < 3.6 || media.concealed > 0.01 || trip > 250 || media.jitter_ms > 30) return "fair";
  return "good";
}

/** The word that is shown, and the one that wants to follow it. */
export interface Steady {
  call: number;
  shown: Quality;
  next: Quality;
  /** Since when `next` holds, in the snapshots' milliseconds. */
  since: number;
}

/** How long another word has to hold before it is shown: one that flickers is not read. */
const PATIENCE_MS = 2_500;

/** The word to show after another look at the call's sound. */
export function steady(before: Steady | null, media: MediaView, at: number): Steady {
  const now = quality(media);
  if (before?.call !== media.call) return { call: media.call, shown: now, next: now, since: at };
  if (now !== before.next) return { ...before, next: now, since: at };
  return at - before.since >= PATIENCE_MS ? { ...before, shown: now } : before;
}

/** A grade as one word, and as a sentence. */
export const QUALITY_WORD: Record<Quality, WordKey> = {
  good: "good_sound",
  fair: "fair_sound",
  poor: "poor_sound",
};
export const QUALITY_SENTENCE: Record<Quality, WordKey> = {
  good: "quality_good",
  fair: "quality_fair",
  poor: "quality_poor",
};
