/**
 * Takes each screen of the mock build in Chromium, checks it with axe and looks for text that spills over.
 *
 *     npm run shots [-- FOLDER] [--look=light-en-100] [--check]
 *
 * `--check` takes no pictures. Ends with 1 when anything is found. The browser is `CHROMIUM`, or `chromium` on the
 * path.
 */
import { execFileSync } from "node:child_process";
import { createReadStream, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium, type Browser, type Page } from "playwright-core";

interface Shot {
  state: string;
  page?: "index" | "ringing";
  /** Text typed before the controls are pressed, by test id. */
  type?: Record<string, string>;
  /** Controls pressed before the picture, by test id. */
  press?: string[];
  width?: number;
}

interface Look {
  theme: "light" | "dark";
  language: string;
  scale: 1 | 2;
}

interface Violation {
  id: string;
  help: string;
  nodes: { html: string }[];
}

const SIGN_IN = [
  "sign-in-first",
  "sign-in",
  "sign-in-wrong-password",
  "sign-in-certificate",
  "sign-in-code",
  "sign-in-browser",
  "sign-in-no-browser",
  "sign-in-password",
  "sign-in-password-refused",
  "sign-in-elsewhere",
];
const BAR = [
  "idle",
  "idle-picture",
  "idle-warning",
  "paused",
  "paused-asking",
  "unpause-asking",
  "ready-stale",
  "paused-stale",
  "red",
  "registering",
  "ringing",
  "ringing-auto-answer",
  "ringing-withheld",
  "dialling",
  "remote-ringing",
  "in-call",
  "in-call-muted",
  "in-call-held",
  "in-call-interrupted",
  "in-call-not-heard",
  "in-call-poor",
  "in-call-two",
  "in-call-conference",
  "in-call-second",
  "in-call-may-record",
  "in-call-recorded",
  "in-call-recording-paused",
  "in-call-recorded-by-server",
  "in-call-transferring",
  "in-call-transfer-failed",
  "in-call-asked",
  "call-busy",
  "wrap-up",
  "wrap-up-required",
  "wrap-up-long",
  "wrap-up-disposed",
  "missed",
  "idle-offer",
  "partly-paused",
  "password-ages",
  "settings-changed",
  "toasts",
];
/** Seen in a narrow bar too. */
const NARROW: Shot[] = [
  { state: "in-call-not-heard" },
  { state: "in-call-conference" },
  { state: "in-call-two", press: ["calls"] },
  { state: "devices-checked", press: ["microphone"] },
  { state: "in-call-recorded" },
  { state: "in-call-recorded", press: ["call-more"] },
  { state: "in-call-transferring" },
  { state: "wrap-up-required" },
  { state: "wrap-up-required", press: ["dispose"] },
  { state: "missed" },
  { state: "missed", press: ["work"] },
  { state: "missed", press: ["work", "tab-callbacks"] },
  { state: "idle-offer" },
  { state: "in-call-second", press: ["calls"] },
  { state: "idle", press: ["more", "settings"] },
  { state: "idle-picture", press: ["more", "settings"] },
  { state: "idle", press: ["more", "change-password"] },
  { state: "partly-paused", press: ["state-button"] },
  { state: "in-call", press: ["quality", "trace", "trace-keep"] },
];
const SHOTS: Shot[] = [
  ...[...SIGN_IN, "sign-in-waiting"].map((state) => ({ state })),
  {
    state: "sign-in-password",
    type: { "password-new": "Blue-kettle", "password-repeat": "Blue-kettle" },
  },
  ...BAR.map((state) => ({ state })),
  ...["idle", "in-call", "ringing", "paused", "red"].flatMap((state) => [
    { state, width: 640 },
    { state, width: 900 },
  ]),
  { state: "idle", press: ["state-button"] },
  { state: "idle", press: ["keypad"] },
  { state: "in-call", press: ["keypad"] },
  { state: "idle", press: ["microphone"] },
  { state: "devices-checked", press: ["microphone"] },
  { state: "in-call", press: ["quality"] },
  { state: "in-call-poor", press: ["call-quality"] },
  { state: "polling", press: ["light"] },
  { state: "in-call", press: ["quality", "trace"] },
  { state: "in-call", press: ["quality", "trace", "trace-keep"] },
  { state: "red", press: ["light", "trace", "trace-text"] },
  { state: "idle", press: ["light", "trace"] },
  { state: "in-call-two", press: ["calls"] },
  { state: "in-call-conference", press: ["calls"] },
  { state: "red", press: ["light"] },
  { state: "masked-and-remote", press: ["light"] },
  { state: "idle", press: ["more"] },
  { state: "idle", press: ["more", "keys"] },
  { state: "toasts-bottom-left", press: ["more"] },
  { state: "in-call-second", press: ["calls"] },
  { state: "in-call-recorded", press: ["call-details"] },
  { state: "in-call", press: ["transfer"] },
  { state: "in-call-asked", press: ["transfer"] },
  { state: "wrap-up-required", press: ["dispose"] },
  { state: "wrap-up-required", press: ["dispose", "disposition-1", "disposition-11", "disposition-112"] },
  { state: "missed", press: ["work"] },
  { state: "idle", press: ["work"] },
  { state: "missed", press: ["work", "tab-callbacks"] },
  { state: "missed", press: ["work", "tab-previews"] },
  { state: "previews-paused", press: ["work", "tab-previews"] },
  { state: "idle-offer", press: ["work", "tab-interactions"] },
  { state: "partly-paused", press: ["state-button", "pause-channel-sms"] },
  { state: "password-ages", press: ["more"] },
  { state: "password-ages", press: ["more", "change-password"] },
  { state: "idle", press: ["more", "settings"] },
  ...["security", "authentication", "notifications", "voice", "channels", "auto_answer", "webrtc"].map(
    (group) => ({ state: "idle", press: ["more", "settings", `group-${group}`] }),
  ),
  ...NARROW.map((shot) => ({ ...shot, width: 640 })),
  { state: "ringing", page: "ringing" },
  { state: "ringing-auto-answer", page: "ringing" },
  { state: "ringing-withheld", page: "ringing" },
];
const LOOKS: Look[] = [
  { theme: "light", language: "en", scale: 1 },
  { theme: "dark", language: "en", scale: 1 },
  { theme: "light", language: "de", scale: 1 },
  { theme: "dark", language: "ar", scale: 1 },
  { theme: "light", language: "ar", scale: 2 },
  { theme: "dark", language: "de", scale: 2 },
  { theme: "light", language: "en", scale: 2 },
];

const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
};

const root = fileURLToPath(new URL(".", import.meta.url));
const given = process.argv.slice(2);
const check = given.includes("--check");
const only = given.find((word) => word.startsWith("--look="))?.slice("--look=".length);
const out = resolve(
  given.find((word) => !word.startsWith("--")) ?? fileURLToPath(new URL("../shots/out", import.meta.url)),
);
const axe = readFileSync(
  fileURLToPath(new URL("../node_modules/axe-core/axe.min.js", import.meta.url)),
  "utf8",
);

function serve(): Promise<{ base: string; stop: () => void }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const file = join(root, path === "/" ? "index.html" : path);
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    createReadStream(file)
      .on("error", () => response.writeHead(404).end())
      .pipe(response);
  });
  return new Promise((done) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      done({ base: `http://127.0.0.1:${port}`, stop: () => server.close() });
    });
  });
}

function heightOf(shot: Shot): number {
  if (shot.page === "ringing") return 132;
  if (shot.state.startsWith("sign-in")) return 600;
  return 56;
}

function widthOf(shot: Shot): number {
  if (shot.page === "ringing") return 380;
  if (shot.state.startsWith("sign-in")) return 420;
  return shot.width ?? 1100;
}

function nameOf(look: Look): string {
  return `${look.theme}-${look.language}-${look.scale}00`;
}

/** One look at every screen, in one page. */
async function lookAtAll(browser: Browser, base: string, look: Look): Promise<string[]> {
  const context = await browser.newContext({
    deviceScaleFactor: look.scale,
    colorScheme: look.theme,
    reducedMotion: "reduce",
  });
  await context.addInitScript(axe);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error}`));
  for (const shot of SHOTS) faults.push(...(await take(page, base, shot, look)));
  await context.close();
  return faults;
}

/** Gives the page the height that the shell would. */
async function makeRoom(page: Page, shot: Shot): Promise<void> {
  const extra = await page.evaluate(
    () => document.querySelector(".extra")?.getBoundingClientRect().height ?? 0,
  );
  await page.setViewportSize({ width: widthOf(shot), height: heightOf(shot) + Math.ceil(extra) });
}

async function take(page: Page, base: string, shot: Shot, look: Look): Promise<string[]> {
  await page.setViewportSize({ width: widthOf(shot), height: heightOf(shot) });
  await page.goto(`${base}/${shot.page ?? "index"}.html?state=${shot.state}&language=${look.language}`);
  await page.waitForSelector("main");
  for (const [id, text] of Object.entries(shot.type ?? {})) await page.fill(`[data-testid="${id}"]`, text);
  await makeRoom(page, shot);
  for (const id of shot.press ?? []) {
    await page.click(`[data-testid="${id}"]`);
    await makeRoom(page, shot);
  }
  const spilt = await page.evaluate(() =>
    [
      ...document.querySelectorAll<HTMLElement>(
        "header, main, section, form, .card, .actions, button, li, nav",
      ),
    ]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => element.dataset["testid"] ?? element.tagName),
  );
  const faults = spilt.map((name) => `${name} spills over`);
  const found: Violation[] = await page.evaluate(
    "axe.run({ resultTypes: ['violations'], elementRef: false }).then((result) => result.violations)",
  );
  faults.push(...found.map((fault) => `${fault.id}: ${fault.help}: ${fault.nodes[0]?.html ?? ""}`));
  const name = [shot.page, shot.state, shot.type && "typed", ...(shot.press ?? []), shot.width, nameOf(look)]
    .filter(Boolean)
    .join("-");
  if (!check) await page.screenshot({ path: join(out, `${name}.png`) });
  return faults.map((fault) => `${name}: ${fault}`);
}

function findBrowser(): string {
  return process.env["CHROMIUM"] ?? execFileSync("which", ["chromium"], { encoding: "utf8" }).trim();
}

if (!check) mkdirSync(out, { recursive: true });
const { base, stop } = await serve();
const browser = await chromium.launch({ executablePath: findBrowser(), args: ["--no-sandbox"] });
const looks = LOOKS.filter((look) => !only || nameOf(look) === only);
const faults = (await Promise.all(looks.map((look) => lookAtAll(browser, base, look)))).flat();
await browser.close();
stop();
for (const fault of new Set(faults)) console.error(fault);
console.log(`${looks.length * SHOTS.length} screens looked at, ${faults.length} faults`);
process.exitCode = faults.length > 0 ? 1 : 0;
