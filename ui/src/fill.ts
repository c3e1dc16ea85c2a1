/** What replaces `{name}` in a sentence. */
export type Arguments = Record<string, string | number>;

/** Puts arguments into a sentence; an argument that is not given stays visible, so that a fault can be seen. */
export function fill(sentence: string, values: Arguments): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
