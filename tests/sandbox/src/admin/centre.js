"use strict";
// The centre's own settings, its queues, pause reasons and dispositions; and what waits for an agent.
const WORK = "Work";
const strategies = { leastrecent: "Least recent", ringall: "Ring all", beepall: "Beep all", fewestcalls: "Fewest calls", rrmemory: "Round robin", random: "Random", linear: "In order" };
const channels = ["chat", "email", "sms", "openchannel", "fax", "whatsapp"];

const centreSettings = [
  ["partialPause", "Partial pause", "flag", "Channels may be paused one by one"],
  ["tabLimit", "Tab limit", "number", "Open interactions; 0: no limit"],
  ["pickupCode", "Pick-up code", "text", ""],
  ["wrapUpSeconds", "Wrap-up time", "number", "Seconds after a queue call"],
  ["dispositionRequired", "Disposition required", "flag", ""],
  ["noAnswerSeconds", "No answer after", "number", "Seconds, for forwarding"],
  ["realtimeGraceMinutes", "Disconnection time-out", "number", "Minutes without a connection until log-out"],
  ["desktopUrl", "Web desktop", "text", "Address of the web desktop"],
  ["browserSignIn", "Browser sign-in", "text", "Its name; empty: there is none"],
];
const passwordRules = [
  ["min_length", "Password: characters at least", "number", ""],
  ["upper", "Password: a capital letter", "flag", ""],
  ["lower", "Password: a small letter", "flag", ""],
  ["digit", "Password: a digit", "flag", ""],
  ["symbol", "Password: neither letter nor digit", "flag", ""],
  ["history", "Password: not one of the last", "number", ""],
];

function line(label, hint, control) {
  return make("div", { class: "row" }, make("label", { for: control.id }, label, hint ? make("span", { class: "hint" }, hint) : null), control);
}

function entry([field, label, kind, hint], value) {
  const type = { flag: "checkbox", number: "number", text: "text" }[kind];
  const input = make("input", { id: `c-${field}`, type, ...(kind === "flag" ? { checked: Boolean(value) } : { value: value ?? "" }) });
  const read = () => kind === "flag" ? input.checked : kind === "number" ? Number(input.value) : input.value.trim();
  return { field, element: line(label, hint, input), read };
}

function saving(text, job) {
  return make("div", { class: "row" }, "", make("span", {}, make("button", { type: "button", class: "button main", onclick: () => attempt(async () => {
    await job();
    say("Saved. Signed-in bars have it now.");
  }) }, text)));
}

function settingsOf(centre) {
  const rows = centreSettings.map((row) => entry(row, centre[row[0]]));
  const rules = passwordRules.map((row) => entry(row, centre.passwordRules[row[0]]));
  const pops = make("textarea", { id: "c-screenPops", rows: 6, spellcheck: "false" }, JSON.stringify(centre.screenPops, null, 2));
  return make("fieldset", {}, make("legend", {}, "Settings"), ...[...rows, ...rules].map((row) => row.element),
    line("Screen pops", "JSON: queue, on (ringing, answered, ended), direction, open (url or program)", pops),
    saving("Save settings", async () => {
      const values = (list) => Object.fromEntries(list.map((row) => [row.field, row.read()]));
      let screenPops;
      try { screenPops = JSON.parse(pops.value || "[]"); } catch { throw new Error("Screen pops: this is not JSON."); }
      const changes = { ...values(rows), passwordRules: values(rules), screenPops };
      // What was not changed stays what the sandbox was started with.
      for (const name of Object.keys(changes)) if (same(changes[name], centre[name])) delete changes[name];
      Object.assign(centre, await call("PATCH", "settings", changes));
    }));
}

function queueOf(queue, agents) {
  const strategy = make("select", { id: `strategy-${queue.id}` }, ...Object.entries(strategies).map(([value, text]) => make("option", { value, selected: value === queue.strategy }, text)));
  const ring = make("input", { type: "number", id: `ring-${queue.id}`, min: 1, max: 300, value: queue.ringSeconds });
  const boxes = agents.rows.map((agent) => [agent.id, make("input", { type: "checkbox", id: `m-${queue.id}-${agent.id}`, checked: queue.memberIds.includes(agent.id) }), agent.fullname]);
  return make("fieldset", {}, make("legend", {}, queue.name),
    make("div", { class: "row" }, make("strong", {}, `Queue ${queue.name}, number ${queue.extension}`), make("span", {}, `${queue.waiting} waiting, ${queue.available} of ${queue.loggedIn} logged in are free`)),
    line("Strategy", "", strategy), line("Seconds of ringing", "", ring),
    make("div", { class: "row" }, make("span", {}, "Members"), make("ul", { class: "list" }, ...boxes.map(([, box, name]) => make("li", {}, box, make("label", { for: box.id }, name))))),
    saving("Save queue", () => call("PATCH", `queues/${queue.id}`, { strategy: strategy.value, ringSeconds: Number(ring.value), members: boxes.filter(([, box]) => box.checked).map(([id]) => id) })));
}

// A tree as lines: two blanks for each level, the number at the end.
function treeText(rows, level = 0) {
  return rows.map((row) => `${"  ".repeat(level)}${row.name} #${row.id}\n${treeText(row.children, level + 1)}`).join("");
}

function treeRows(text) {
  const top = [];
  const path = [top];
  for (const raw of text.split("\n").filter((row) => row.trim())) {
    const level = Math.min(Math.floor(raw.match(/^ */)[0].length / 2), path.length - 1);
    const [, name, id] = raw.trim().match(/^(.*?)(?:\s+#(\d+))?$/);
    const row = { name, children: [], ...(id ? { id: Number(id) } : {}) };
    path[level].push(row);
    path.length = level + 1;
    path.push(row.children);
  }
  return top;
}

async function showCentre() {
  shown = null;
  const [queues, pauses, agents, settings, tree] = await Promise.all(["queues", "pauses", "agents", "settings", "dispositions"].map((path) => call("GET", path)));
  const names = make("textarea", { id: "pauses", rows: 6 }, pauses.rows.map((row) => row.name).join("\n"));
  const dispositions = make("textarea", { id: "dispositions", rows: 12 }, treeText(tree.rows));
  main.replaceChildren(
    make("div", { class: "head" }, make("h2", {}, "Centre")),
    ...queues.rows.map((queue) => queueOf(queue, agents)),
    make("fieldset", {}, make("legend", {}, "Pause reasons"), line("Pause reasons", "One a line", names),
      saving("Save reasons", () => call("PUT", "pauses", { names: names.value.split("\n").map((name) => name.trim()).filter(Boolean) }))),
    make("fieldset", {}, make("legend", {}, "Dispositions"), line("Dispositions", "One a line, two blanks for each of at most three levels", dispositions),
      saving("Save dispositions", async () => { dispositions.value = treeText((await call("PUT", "dispositions", { rows: treeRows(dispositions.value) })).rows); })),
    settingsOf(settings.centre));
  listAgents();
}

const workFields = {
  callbacks: [["name", "Name"], ["number", "Number"], ["queue", "Queue"], ["dueAt", "Due, such as 2026-01-31T09:30:00Z"], ["note", "Note"]],
  previews: [["name", "Name"], ["number", "Number"], ["campaign", "Campaign"]],
  interactions: [["channel", "Channel"], ["from", "From"], ["queue", "Queue"], ["strategy", "Strategy"], ["address", "Web address"], ["group", "Group: offered to several"]],
};
const workNames = { callbacks: "Callbacks", previews: "Preview calls", interactions: "Interactions" };

async function workOf(agent) {
  const kinds = Object.keys(workFields);
  const lists = await Promise.all([...kinds, "dispositions"].map((kind) => call("GET", `agents/${agent.id}/${kind}`)));
  const disposed = lists.pop();
  const again = async () => { tab = WORK; await showAgent(agent.name); };
  const sections = kinds.map((kind, at) => {
    const inputs = workFields[kind].map(([field, label]) => {
      const attributes = { id: `w-${kind}-${field}`, "aria-label": `${workNames[kind]}: ${label}`, placeholder: label };
      const options = { channel: channels, strategy: ["", ...Object.keys(strategies)] }[field];
      return [field, options ? make("select", attributes, ...options.map((o) => make("option", { value: o }, o || "No strategy"))) : make("input", { ...attributes, type: "text" })];
    });
    const rows = lists[at].rows.map((row) => make("li", {}, make("span", { class: "what" }, describe(row)),
      make("button", { type: "button", class: "small", "aria-label": `Take ${row.name || row.from} away`, onclick: () => attempt(async () => { await call("DELETE", `agents/${agent.id}/${kind}/${row.id}`); await again(); }) }, "Remove")));
    return make("section", {}, make("h3", {}, workNames[kind]),
      rows.length ? make("ul", { class: "list wide" }, ...rows) : make("p", { class: "empty" }, "None."),
      make("div", { class: "adding" }, ...inputs.map(([, input]) => input), make("button", { type: "button", class: "button", onclick: () => attempt(async () => {
        await call("POST", `agents/${agent.id}/${kind}`, Object.fromEntries(inputs.map(([field, input]) => [field, input.value.trim()])));
        await again();
        say("Added. A signed-in bar shows it.");
      }) }, "Add")));
  });
  return make("div", { role: "tabpanel", "aria-label": WORK }, ...sections,
    make("section", {}, make("h3", {}, "Disposed calls"),
      disposed.count === 0 ? make("p", { class: "empty" }, "None.") : make("table", {}, make("thead", {}, make("tr", {}, ...["Call", "Disposition", "Note", "At"].map((title) => make("th", { scope: "col" }, title)))),
        make("tbody", {}, ...disposed.rows.map((row) => make("tr", {}, make("td", {}, row.reference), make("td", {}, row.names.join(" / ")), make("td", {}, row.note), make("td", {}, row.at)))))));
}

function describe(row) {
  const state = row.offered === true ? "offered" : row.offered === false ? "open" : row.startedAt ? "started" : null;
  return [row.channel, row.name || row.from, row.number, row.queue || row.campaign, row.strategy, row.dueAt, row.note, state].filter(Boolean).join(", ");
}
