import type { MediaView } from "./generated/MediaView";

/** How a call sounds, in three steps that can be told apart by eye and by word. */
export type Quality = "good" | "fair" | "poor";

/** Judges the last second: made-up sound first, then what makes people talk over each other. */
export function quality(media: MediaView): Quality {
  const trip = media.round_trip_ms ?? 0;
  if (media.concealed > 0.05 || trip > 450 || media.jitter_ms > 80) return "poor";
  if (media.concealed > 0.01 || trip > 250 || media.jitter_ms > 30) return "fair";
  return "good";
}
