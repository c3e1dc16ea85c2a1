"use strict";
const main = document.getElementById("main");
const statusLine = document.getElementById("status");
// Links may name the administrator's token, an agent, a group of settings or a view: #agent=ben&tab=Voice, #view=calls
const wanted = new URLSearchParams(location.hash.slice(1));
const token = wanted.get("token");
const words = { ready: "Ready", pause: "Paused", busy: "In a call", ringing: "Ringing", offline: "Offline" };
let groups = [];
let shown = null;
let tab = wanted.get("tab") || "Account";

async function call(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(`/admin/api/${path}`, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("The sandbox does not answer: is it still running?");
  }
  const document = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(document.detail);
  return document;
}

function say(text, bad = false) {
  statusLine.textContent = text;
  statusLine.classList.toggle("bad", bad);
}

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

async function attempt(job) {
  try { return await job(); } catch (error) { say(error.message, true); return null; }
}

async function listAgents() {
  const list = await attempt(() => call("GET", "agents"));
  if (!list) return;
  const holder = document.getElementById("agents");
  const focused = document.activeElement?.dataset?.agent;
  holder.replaceChildren(...list.rows.map((agent) => {
    const state = words[agent.status] + (agent.pauseType ? `: ${agent.pauseType}` : "");
    const phone = agent.phoneStatus === "unregistered" ? "no phone" : "phone registered";
    return make("li", {}, make("button", {
      type: "button", class: "item", "data-agent": agent.name, "aria-current": String(shown === agent.name),
      onclick: () => open(() => showAgent(agent.name)),
    },
      make("span", { class: `light ${agent.status}`, "aria-hidden": "true" }),
      make("span", { class: "name" }, agent.fullname || agent.name),
      make("span", { class: "extension" }, agent.internal),
      make("span", { class: "state" }, `${state}, ${phone}`)));
  }));
  if (focused) holder.querySelector(`[data-agent="${CSS.escape(focused)}"]`)?.focus();
}

function open(show) {
  if (document.querySelector(".row.changed") && !confirm("Leave without saving the changes?")) return;
  say("");
  show().then(() => main.focus({ preventScroll: true }), (error) => say(error.message, true));
}

function same(a, b) { return JSON.stringify(a ?? "") === JSON.stringify(b ?? ""); }

function control(setting, value, changed) {
  const id = `f-${setting.field}`;
  const base = { id, "aria-describedby": setting.hint ? `${id}-hint` : null, onchange: changed, oninput: changed };
  switch (setting.kind) {
    case "flag": {
      const box = make("input", { ...base, type: "checkbox", checked: Boolean(value) });
      return [box, () => box.checked];
    }
    case "choice": {
      const select = make("select", base, ...setting.of.map((o) => make("option", { value: o, selected: o === value }, o)));
      return [select, () => select.value];
    }
    case "number": {
      const input = make("input", { ...base, type: "number", min: setting.min, max: setting.max, step: 1, value });
      return [make("span", {}, input, setting.unit ? ` ${setting.unit}` : ""), () => input.value === "" ? null : Number(input.value)];
    }
    case "list": {
      let order = [...(value || []), ...setting.of.filter((o) => !(value || []).includes(o))];
      const on = new Set(value || []);
      const list = make("ul", { id, class: "list", "aria-label": setting.label });
      const move = (name, by) => {
        const at = order.indexOf(name);
        order.splice(at, 1);
        order.splice(at + by, 0, name);
        draw();
        changed();
        (list.querySelector(`[data-move="${name}${by}"]:enabled`) || list.querySelector(`[data-move^="${name}"]:enabled`))?.focus();
      };
      const draw = () => list.replaceChildren(...order.map((name, at) => make("li", {},
        make("input", { type: "checkbox", id: `${id}-${name}`, checked: on.has(name), onchange: (e) => { e.target.checked ? on.add(name) : on.delete(name); changed(); } }),
        make("label", { for: `${id}-${name}` }, name),
        make("button", { type: "button", class: "small", "data-move": `${name}-1`, disabled: at === 0, "aria-label": `${name} earlier`, onclick: () => move(name, -1) }, "↑"),
        make("button", { type: "button", class: "small", "data-move": `${name}1`, disabled: at === order.length - 1, "aria-label": `${name} later`, onclick: () => move(name, 1) }, "↓"))));
      draw();
      return [list, () => order.filter((name) => on.has(name))];
    }
    case "names": {
      const input = make("input", { ...base, type: "text", value: (value || []).join(", ") });
      return [input, () => input.value.split(",").map((name) => name.trim()).filter(Boolean)];
    }
    default: {
      const input = make("input", { ...base, type: "text", value: value ?? "" });
      return [input, () => input.value];
    }
  }
}

async function showAgent(name) {
  const agent = await call("GET", `agents/${encodeURIComponent(name)}`);
  const waiting = await workOf(agent);
  shown = agent.name;
  const rows = [];
  const note = make("p", { role: "status" }, "No changes");
  const save = make("button", { type: "submit", class: "button main", disabled: true }, "Save");
  const undo = make("button", { type: "button", class: "button", disabled: true, onclick: () => showAgent(name) }, "Undo");
  const check = () => {
    let count = 0;
    for (const row of rows) {
      const changed = !same(row.read(), row.value);
      row.element.classList.toggle("changed", changed);
      count += changed;
    }
    save.disabled = undo.disabled = count === 0;
    note.classList.remove("bad");
    note.textContent = count === 0 ? "No changes" : count === 1 ? "1 change, not saved" : `${count} changes, not saved`;
  };
  const tabs = make("div", { class: "tabs", role: "tablist", "aria-label": "Groups of settings" });
  const pick = (group, focus) => {
    tab = group;
    for (const button of tabs.children) {
      const on = button.textContent === group;
      button.setAttribute("aria-selected", String(on));
      button.tabIndex = on ? 0 : -1;
      if (on && focus) button.focus();
    }
    for (const set of form.querySelectorAll("fieldset")) set.hidden = set.dataset.group !== group;
    waiting.hidden = group !== WORK;
    bar.hidden = group === WORK;
  };
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const names = [...groups.map((g) => g.name), WORK];
    pick(names[(names.indexOf(tab) + step + names.length) % names.length], true);
  });
  const form = make("form", { novalidate: true });
  for (const group of groups) {
    tabs.append(make("button", { type: "button", role: "tab", onclick: () => pick(group.name) }, group.name));
    const set = make("fieldset", { "data-group": group.name, role: "tabpanel" }, make("legend", {}, group.name));
    for (const setting of group.settings) {
      let value = agent.settings[setting.field];
      // Queues of other channels are written as they are read out.
      if (setting.kind === "names") value = (value || []).map((entry) => entry.channel ? `${entry.channel}: ${entry.name}` : entry);
      const [element, read] = control(setting, value, () => check());
      const id = `f-${setting.field}`;
      const hint = setting.hint && make("span", { class: "hint", id: `${id}-hint` }, setting.hint);
      const row = make("div", { class: "row" }, make("div", {}, make("label", { for: id }, setting.label), hint || null), element);
      rows.push({ field: setting.field, value: setting.kind === "flag" ? Boolean(value) : value, read, element: row, group: group.name });
      set.append(row);
    }
    if (group.name === "Account") set.append(picture(agent));
    if (group.name === "Security") set.append(...security(agent));
    form.append(set);
  }
  tabs.append(make("button", { type: "button", role: "tab", onclick: () => pick(WORK) }, WORK));
  const bar = make("div", { class: "bar" }, note, undo, save);
  form.append(bar);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const fault of form.querySelectorAll(".fault")) fault.remove();
    const settings = {};
    for (const row of rows) if (!same(row.read(), row.value)) settings[row.field] = row.read();
    if (Object.keys(settings).length === 0) return;
    try {
      await call("PATCH", `agents/${agent.id}`, { settings });
      await showAgent(name);
      say("Saved. A signed-in bar has it now.");
      listAgents();
    } catch (error) {
      note.textContent = error.message;
      note.classList.add("bad");
      const row = rows.find((r) => error.message.startsWith(`${r.field}:`));
      if (row) {
        pick(row.group);
        row.element.append(make("p", { class: "fault" }, error.message));
        row.element.querySelector("input, select")?.focus();
      }
    }
  });
  const live = agent.live;
  const state = words[live.status] + (live.pauseType ? `: ${live.pauseType}` : "");
  main.replaceChildren(
    make("div", { class: "head" }, make("h2", {}, agent.settings.fullname || agent.name),
      make("span", { class: "quiet" }, `${agent.name}, extension ${agent.settings.internal}. ${state}${partly(agent)}${agent.device ? `, logged in on ${agent.device}` : ""}.`),
      make("button", { type: "button", class: "button", onclick: () => attempt(async () => { await call("POST", `agents/${agent.id}/sign-out`); say("Signed out."); listAgents(); }) }, "Sign out")),
    tabs, form, waiting);
  pick(tab);
  for (const item of document.querySelectorAll(".item")) item.setAttribute("aria-current", String(item.dataset.agent === agent.name));
}

// Channels that are paused by themselves.
function partly(agent) {
  const paused = Object.entries(agent.presence.channels).filter(([, channel]) => channel.paused).map(([name]) => name);
  return agent.presence.paused || paused.length === 0 ? "" : `, paused on ${paused.join(", ")}`;
}

// Another picture, in place of the one that the settings name.
function picture(agent) {
  const send = (file) => attempt(async () => {
    await call("PUT", `agents/${agent.id}/avatar`, { picture: file });
    await showAgent(agent.name);
    say(file === null ? "The picture is gone." : "A signed-in bar has the picture now.");
  });
  const choose = make("input", { type: "file", id: "new-picture", accept: "image/png,image/jpeg", onchange: () => {
    const reader = new FileReader();
    reader.onload = () => send(reader.result.slice(reader.result.indexOf(",") + 1));
    if (choose.files.length > 0) reader.readAsDataURL(choose.files[0]);
  } });
  return make("div", { class: "row" },
    make("div", {}, make("label", { for: "new-picture" }, "New picture"), make("span", { class: "hint" }, "PNG or JPG of at most 8 MB")),
    make("span", {}, choose, " ", make("button", { type: "button", class: "button", disabled: !agent.settings.userpic, onclick: () => send(null) }, "Remove")));
}

function security(agent) {
  const password = make("input", { type: "password", id: "new-password", autocomplete: "new-password" });
  const shownSecret = make("span", {}, agent.codeRequired ? "On" : "Off");
  const sip = make("span", {}, "Known to the phone only");
  return [
    make("div", { class: "row" }, make("span", {}, "SIP secret"),
      make("span", {}, sip, " ", make("button", { type: "button", class: "button", onclick: () => attempt(async () => {
        const changed = await call("PUT", `agents/${agent.id}/sip-secret`, {});
        sip.replaceChildren("Now ", make("code", {}, changed.secret));
      }) }, "Change"))),
    make("div", { class: "row" }, make("span", {}, "Password's age"),
      make("span", {}, make("button", { type: "button", class: "button", onclick: () => attempt(async () => {
        await call("POST", `agents/${agent.id}/expire-password`);
        await showAgent(agent.name);
        say("The next sign-in asks for a new password.");
      }) }, "Let it expire"))),
    make("div", { class: "row" }, make("label", { for: "new-password" }, "New password"),
      make("span", {}, password, " ", make("button", { type: "button", class: "button", onclick: () => attempt(async () => {
        await call("PUT", `agents/${agent.id}/password`, { password: password.value });
        password.value = "";
        say("The password is set.");
      }) }, "Set"))),
    make("div", { class: "row" }, make("span", {}, "One-time code"),
      make("span", {}, shownSecret, " ", make("button", { type: "button", class: "button", onclick: () => attempt(async () => {
        const code = await call("PUT", `agents/${agent.id}/code`, { on: !agent.codeRequired });
        agent.codeRequired = code.on;
        shownSecret.replaceChildren(code.on ? "On, secret " : "Off", code.on ? make("code", {}, code.secret) : "");
      }) }, "Switch"))),
  ];
}

async function showCalls() {
  shown = null;
  const [calls, speech] = await Promise.all([call("GET", "calls"), call("GET", "speech")]);
  const variables = make("input", { type: "text", "aria-label": "Variables of the call", placeholder: "Account=42, Level=gold" });
  const voice = make("select", { "aria-label": "Voice" }, make("option", { value: "" }, "Any voice"), ...speech.rows.map((s) => make("option", { value: s.name }, s.name)));
  main.replaceChildren(
    make("div", { class: "head" }, make("h2", {}, "Calls"), make("span", { class: "quiet" }, `${calls.count}`), make("span", {}, voice), make("span", {}, variables),
      make("button", { type: "button", class: "button main", onclick: () => attempt(async () => {
        const given = variables.value.split(",").map((pair) => pair.split("=").map((part) => part.trim())).filter(([name, value]) => name && value);
        await call("POST", "customers", { ...(voice.value ? { speech: voice.value } : {}), variables: Object.fromEntries(given) });
        await showCalls();
        say("A customer calls.");
      }) }, "Let a customer call"),
      make("button", { type: "button", class: "button", onclick: () => attempt(showCalls) }, "Refresh")),
    calls.rows.length === 0 ? make("p", { class: "empty" }, "No calls yet.") :
      make("table", {}, make("thead", {}, make("tr", {}, ...["Caller", "Dialled", "State", "Answered by", "Went on to", "Wait", "Talk", "Level", "Heard"].map((t) => make("th", { scope: "col" }, t)))),
        make("tbody", {}, ...calls.rows.slice(0, 50).map((row) => make("tr", {},
          make("td", {}, `${row.customer.name} ${row.customer.number}`), make("td", {}, row.queue || row.dialled),
          make("td", {}, row.result || row.state), make("td", {}, row.answeredBy || ""), make("td", {}, row.transfers.join(", ")),
          make("td", {}, seconds(row.waitSeconds)), make("td", {}, row.talkSeconds == null ? "" : seconds(row.talkSeconds)),
          make("td", {}, row.heardSeconds ? `${row.heardLevelDbov.toFixed(0)} dBov` : ""),
          make("td", {}, row.heardSeconds && !token ? make("audio", { controls: true, preload: "none", src: `/admin/api/calls/${row.id}/heard.wav` }) : ""))))));
  listAgents();
}

function seconds(value) {
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

document.getElementById("open-centre").addEventListener("click", () => open(showCentre));
document.getElementById("open-calls").addEventListener("click", () => open(showCalls));

attempt(async () => {
  groups = (await call("GET", "settings")).groups;
  await listAgents();
  if (wanted.get("view") === "calls") return showCalls();
  if (wanted.get("view") === "centre") return showCentre();
  const first = wanted.get("agent") || document.querySelector("[data-agent]")?.dataset.agent;
  if (first) await showAgent(first);
});
setInterval(() => { if (!document.hidden) listAgents(); }, 5000);
