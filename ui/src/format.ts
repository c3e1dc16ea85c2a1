/** A duration as m:ss, or h:mm:ss from one hour on. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (part: number): string => String(part).padStart(2, "0");
  const h = Math.floor(seconds / 3600);
  const m = Math.floor(seconds / 60) % 60;
  const s = seconds % 60;
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Whole seconds left of a countdown: never 0 while it runs. */
export function secondsLeft(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1000));
}

/** A level in dBov as a share of a meter that begins at -60. */
export function meter(dbov: number): number {
  if (!Number.isFinite(dbov)) return 0;
  return Math.min(1, Math.max(0, (dbov + 60) / 60));
}

/** The letters that stand for a person: at most two. */
export function initials(name: string): string {
  const words = name
    .split(/\s+/u)
    .map((word) => [...word].find((letter) => /\p{L}/u.test(letter)) ?? "")
    .filter((letter) => letter !== "");
  const [first = "", ...rest] = words;
  return (first + (rest.at(-1) ?? "")).toLocaleUpperCase();
}

/**
 * A telephone number in groups that can be read aloud. Short extensions, addresses and masked numbers stay as they
 * are: what the server masks must not change its shape.
 */
export function telephone(number: string): string {
  if (!/^\+?\d{7,15}$/.test(number)) return number;
  const plus = number.startsWith("+") ? "+" : "";
  const digits = number.slice(plus.length);
  const head = plus ? countryCodeLength(digits) : digits.length % 3 === 1 ? 4 : digits.length % 3 || 3;
  const groups = [digits.slice(0, head)];
  let rest = digits.slice(head);
  while (rest.length > 4) {
    groups.push(rest.slice(0, 3));
    rest = rest.slice(3);
  }
  if (rest) groups.push(rest);
  return plus + groups.join("\u00a0");
}

/** Country codes are prefix-free (ITU-T E.164): one digit for zones 1 and 7, two for the listed ones, else three. */
function countryCodeLength(digits: string): number {
  if (/^[17]/.test(digits)) return 1;
  return /^(20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/.test(digits) ? 2 : 3;
}

/** A moment of the past or the future as the language writes it: the time alone today, otherwise with its day. */
export function clock(ms: number, now: number, language: string): string {
  const at = new Date(ms);
  const today = at.toDateString() === new Date(now).toDateString();
  return new Intl.DateTimeFormat(language, {
    ...(today ? {} : { day: "numeric", month: "short" }),
    hour: "numeric",
    minute: "2-digit",
  }).format(at);
}

/** A moment of today to the millisecond: what is compared with a server's log. */
export function moment(ms: number, language: string): string {
  return new Intl.DateTimeFormat(language, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  }).format(new Date(ms));
}

/** An RFC 3339 moment as a day in the language's own writing; empty when it is none. */
export function day(moment: string, language: string): string {
  const at = new Date(moment);
  if (Number.isNaN(at.getTime())) return "";
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" }).format(at);
}

/** Keeps a number's direction inside a sentence of any direction: a plus sign or a masked digit stays where it is. */
export function isolated(number: string): string {
  return number === "" ? "" : `\u2066${number}\u2069`;
}
