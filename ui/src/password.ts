import type { PasswordRules } from "./generated/PasswordRules";
import type { WordKey } from "./words.svelte";

/** One rule of a new password, and whether what was typed keeps it; `null` is what only the server can tell. */
export interface Rule {
  key: WordKey;
  count?: number;
  met: boolean | null;
}

/** The server's rules for a new password against what was typed so far; only those that it asks for. */
export function judge(rules: PasswordRules, typed: string, repeated: string): Rule[] {
  const judged: Rule[] = [
    { key: "rule_length", count: rules.min_length, met: [...typed].length >= rules.min_length },
  ];
  if (rules.upper) judged.push({ key: "rule_upper", met: /\p{Lu}/u.test(typed) });
  if (rules.lower) judged.push({ key: "rule_lower", met: /\p{Ll}/u.test(typed) });
  if (rules.digit) judged.push({ key: "rule_digit", met: /\p{Nd}/u.test(typed) });
  if (rules.symbol) judged.push({ key: "rule_symbol", met: /[^\p{L}\p{Nd}]/u.test(typed) });
  judged.push({ key: "rule_repeat", met: typed !== "" && typed === repeated });
  if (rules.history > 0) judged.push({ key: "rule_history", count: rules.history, met: null });
  return judged;
}
