import { backend } from "#backend";
import type { Desktop, Levels } from "./backend/backend";
import { alive, joinable, neighbour, shownCall } from "./calls";
import type { CallId } from "./generated/CallId";
import type { CallView } from "./generated/CallView";
import type { Command } from "./generated/Command";
import type { Snapshot } from "./generated/Snapshot";
import type { TraceForm } from "./generated/TraceForm";
import type { TraceLine } from "./generated/TraceLine";
import { steady, type Quality, type Steady } from "./quality";
import { nearestLanguage, words } from "./words.svelte";

/** What may open beside the bar. */
export type PanelName =
  | "pause"
  | "keypad"
  | "devices"
  | "details"
  | "trace"
  | "calls"
  | "call"
  | "transfer"
  | "disposition"
  | "work"
  | "settings"
  | "password"
  | "menu"
  | "keys";

/** The lists of the panel for calls and work. */
export const WORK_TABS = ["history", "callbacks", "previews", "interactions"] as const;
export type WorkTab = (typeof WORK_TABS)[number];

/**
 * The phone as the page sees it: the engine's last snapshot, a clock to age it by, and what is open on this screen.
 * It decides nothing about calls; a click becomes a command, and what came of it is in the next snapshot.
 */
class Phone {
  snapshot = $state.raw<Snapshot | null>(null);
  desktop = $state.raw<Desktop>({ language: "en", version: "", always_on_top: false, tray: false });
  levels = $state.raw<Levels>({ microphone: -100, speaker: -100 });
  fault = $state<string | null>(null);
  /** The picture of who is signed in, as a `data:` address. */
  picture = $state<string | null>(null);
  panel = $state<PanelName | null>(null);
  /** Which list of the panel for calls and work is open. */
  tab = $state<WorkTab>("history");
  /** What is typed in the number field. */
  number = $state("");
  /** Digits sent in the shown call, for the keypad's line. */
  tones = $state("");
  /** The shell made room above the bar, since it lies at the lower edge. */
  above = $state(false);
  /** How the call that is heard sounds, in a word that does not flicker. */
  quality = $state<Quality | null>(null);
  #steady: Steady | null = null;
  #revealed = false;
  #chosen = $state<CallId | null>(null);
  #now = $state(performance.now());
  #receivedAt = $state(performance.now());

  view = $derived(this.snapshot?.view ?? null);
  calls = $derived(this.view?.calls ?? []);
  call = $derived(shownCall(this.calls, this.#chosen));
  /** Milliseconds since the snapshot came: what its ages have to be advanced by. */
  since = $derived(Math.max(0, this.#now - this.#receivedAt));

  async start(): Promise<void> {
    try {
      this.desktop = await backend.desktop();
      words.language = nearestLanguage(this.desktop.language);
      await backend.onSnapshot((snapshot) => this.#take(snapshot));
      await backend.onLevels((levels) => (this.levels = levels));
      this.#take(await backend.snapshot());
    } catch (fault) {
      this.fault = String(fault);
    }
    setInterval(() => (this.#now = performance.now()), 250);
  }

  send(command: Command): void {
    backend.command(command).catch((fault: unknown) => (this.fault = String(fault)));
  }

  toggle(panel: PanelName): void {
    if (this.panel === "devices") this.#closeMicrophone();
    this.panel = this.panel === panel ? null : panel;
  }

  close(): void {
    if (this.panel) this.toggle(this.panel);
  }

  turnTo(call: CallId): void {
    this.#chosen = call;
    this.tones = "";
  }

  /** Opens a panel that is about a call, which is then the one in the bar. */
  openFor(call: CallId, panel: PanelName): void {
    const already = this.call?.id === call;
    if (!already) this.turnTo(call);
    if (already || this.panel !== panel) this.toggle(panel);
  }

  /** Joins a call with another, or opens the list where there are several to choose from. */
  confer(call: CallView): void {
    const [other, ...more] = joinable(this.calls, call);
    if (other && more.length === 0) this.send({ command: "conference", call: call.id, other: other.id });
    else this.toggle("calls");
  }

  turn(step: 1 | -1): void {
    const next = neighbour(this.calls, this.call?.id ?? null, step);
    if (next !== null) this.turnTo(next);
  }

  dial(): void {
    const number = this.number.trim();
    if (number === "") return;
    this.send({ command: "dial", number });
    this.number = "";
    if (this.panel === "keypad") this.close();
  }

  /** A digit from the keypad or the keyboard: a tone in a call, otherwise part of the number. */
  digit(digit: string): void {
    const call = this.call;
    if (alive(call)) {
      if (call.state !== "up") return;
      this.tones = (this.tones + digit).slice(-24);
      this.send({ command: "dtmf", call: call.id, digits: digit });
    } else {
      this.number += digit;
    }
  }

  /** Opens the panel for calls and work at one of its lists, or closes it. */
  toggleWork(tab: WorkTab): void {
    if (this.panel === "work" && this.tab !== tab) this.tab = tab;
    else {
      this.tab = tab;
      this.toggle("work");
    }
  }

  /** Ends the session, or gives up a sign-in that is under way. */
  signOut(): void {
    this.send({ command: "sign_out" });
  }

  record(): void {
    const call = this.call;
    if (!alive(call) || !this.view?.permissions.recording || call.recording_fixed) return;
    const on = call.recording.state !== "on" && call.recording.state !== "paused";
    this.send({ command: "record", call: call.id, on });
  }

  /** Takes calls again while paused; while ready asks for the reason first. */
  pauseOrTakeCalls(): void {
    const presence = this.view?.presence;
    if (!presence || presence.pending || presence.state === "unknown") return;
    if (presence.state === "paused") this.send({ command: "unpause" });
    else this.toggle("pause");
  }

  async setAlwaysOnTop(on: boolean): Promise<void> {
    await backend.setAlwaysOnTop(on);
    this.desktop = { ...this.desktop, always_on_top: on };
  }

  async makeRoom(screen: "sign_in" | "bar", extra: number): Promise<void> {
    const room = await backend.surface({ screen, extra });
    this.above = room.above;
    if (this.#revealed) return;
    this.#revealed = true;
    await backend.ready();
    this.tellPainted();
  }

  /** Tells the shell of the next frame: a page out of sight has none. */
  tellPainted(): void {
    requestAnimationFrame(() => void backend.painted());
  }

  /** Rings with a file from this computer; says why where it cannot be kept. */
  async ringWith(file: File): Promise<string> {
    try {
      const kept = await backend.keepRingtone(file.name, new Uint8Array(await file.arrayBuffer()));
      this.send({ command: "ringtone", file: kept });
      return "";
    } catch (fault) {
      return String(fault);
    }
  }

  /** The last SIP messages, the newest first; they are fetched when somebody looks, not with every snapshot. */
  sipTrace(): Promise<TraceLine[]> {
    return backend.sipTrace();
  }

  keepSipTrace(form: TraceForm): Promise<string | null> {
    return backend.keepSipTrace(form);
  }

  putAway(): void {
    void backend.putAway();
  }

  quit(): void {
    void backend.quit();
  }

  /** Nothing listens to the room once the panel that shows it is away. */
  #closeMicrophone(): void {
    if (this.snapshot?.devices.monitoring) this.send({ command: "monitor", on: false });
    if ((this.snapshot?.checks.microphone.state ?? "off") !== "off") {
      this.send({ command: "check_microphone", on: false });
    }
  }

  /** Pictures are large: they are fetched when there is another one, not with every snapshot. */
  async #takePicture(avatar: number | null): Promise<void> {
    const picture = avatar === null ? null : await backend.avatar().catch(() => null);
    if (this.snapshot?.avatar === avatar) this.picture = picture;
  }

  #take(snapshot: Snapshot): void {
    if (this.snapshot && snapshot.revision < this.snapshot.revision) return;
    const before = this.call?.id;
    if (this.snapshot?.avatar !== snapshot.avatar) void this.#takePicture(snapshot.avatar);
    this.#receivedAt = performance.now();
    this.#now = this.#receivedAt;
    this.snapshot = snapshot;
    this.#steady = snapshot.media && steady(this.#steady, snapshot.media, snapshot.at_ms);
    this.quality = this.#steady?.shown ?? null;
    if (this.call?.id !== before) this.tones = "";
  }
}

export const phone = new Phone();
