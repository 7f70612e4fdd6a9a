// The list of messages, and the one that is selected. Text from messages is only ever set as text.
// HTML comes from /_messages/<n>/look alone, where it was escaped.
"use strict";

const list = document.getElementById("list");
const view = document.getElementById("view");
const filters = document.getElementById("filters");
const none = document.getElementById("none");

const MOST = 1000;
const WAIT_SECONDS = 20;

let box = "";
let last = 0;
let messages = [];
let chosen = null;
let channel = "";
const read = new Set();

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function icon(name) {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("class", "icon");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

function clock(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime())
    ? iso
    : at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

// The list shows only the newest version of an edited message.
function rows() {
  const threads = new Map();
  for (const each of messages) if (each.thread && each.accepted) threads.set(each.thread, each.number);
  const newest = messages.filter(
    (each) => !each.thread || !each.accepted || threads.get(each.thread) === each.number,
  );
  return newest.reverse();
}

function row(message) {
  const edited = messages.some(
    (each) => message.thread && message.accepted && each.thread === message.thread
      && each.accepted && each.number < message.number,
  );
  const link = element("a", { href: `#${message.number}` });
  const badge = element("span", { class: "badge" }, icon(message.channel));
  const head = element(
    "span",
    { class: "row-to" },
    message.to || message.channel.replace("_", " "),
  );
  const time = element("time", { datetime: message.at }, clock(message.at));
  const title = element("span", { class: "row-title" }, message.title || message.why || "(empty)");
  if (edited) title.prepend(element("span", { class: "mark" }, "edited"));
  if (!message.accepted) title.prepend(element("span", { class: "mark bad" }, message.status ?? "×"));
  link.append(badge, head, time, title);
  const item = element("li", { class: `ch-${message.channel}` }, link);
  item.classList.toggle("unread", !read.has(message.number));
  item.classList.toggle("chosen", message.number === chosen);
  if (message.number === chosen) link.setAttribute("aria-current", "true");
  return item;
}

function draw() {
  const all = rows();
  const counts = new Map();
  for (const each of all) counts.set(each.channel, (counts.get(each.channel) ?? 0) + 1);
  if (channel && !counts.has(channel)) channel = "";
  filters.replaceChildren(
    ...[["", all.length], ...[...counts].sort()].map(([name, count]) => {
      const label = name ? name.replace("_", " ") : "all";
      const made = element("button", { type: "button", "aria-pressed": String(name === channel) });
      made.className = name ? `ch-${name}` : "";
      if (name) made.append(icon(name));
      made.append(` ${label} ${count}`);
      made.addEventListener("click", () => { channel = name; draw(); });
      return made;
    }),
  );
  filters.hidden = counts.size < 2;
  list.replaceChildren(...all.filter((each) => !channel || each.channel === channel).map(row));
  none.hidden = all.length > 0;
  const unread = all.filter((each) => !read.has(each.number)).length;
  document.getElementById("count").textContent = unread ? String(unread) : "";
  document.title = `${unread ? `(${unread}) ` : ""}Inbox - OpsKnight`;
}

function spoken(at, kind) {
  switch (kind.split(" ")[0]) {
    case "clock":
      return at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    case "day":
      return at.toLocaleDateString();
    case "since":
      return since(at);
    default:
      return at.toLocaleString();
  }
}

function since(at) {
  const seconds = (at - Date.now()) / 1000;
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return new Intl.RelativeTimeFormat().format(Math.round(seconds / size), unit);
}

// The policy of this page forbids inline styles, so colours are set here.
function finish(root) {
  for (const each of root.querySelectorAll("[data-colour]")) {
    each.style.setProperty("--colour", each.dataset.colour);
  }
  for (const each of root.querySelectorAll("time")) {
    const at = new Date(each.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    each.title = each.dateTime;
    each.textContent = spoken(at, each.className);
  }
}

async function show() {
  const number = Number(location.hash.slice(1));
  document.body.classList.toggle("reading", Boolean(number));
  if (!number) {
    chosen = null;
    view.replaceChildren(element("p", { class: "hint" }, "Select a message."));
    draw();
    return;
  }
  chosen = number;
  read.add(number);
  draw();
  const answer = await fetch(`/_messages/${number}/look`);
  if (chosen !== number) return;
  const back = element("a", { href: "#", class: "back" }, "‹ All messages");
  if (!answer.ok) {
    view.replaceChildren(back, element("p", { class: "hint" }, "This message is no longer here."));
    return;
  }
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  view.replaceChildren(back, ...parsed.body.childNodes);
  finish(view);
  view.scrollTop = 0;
}

// When the selected message is edited, the page shows the edit.
function follow(news) {
  const current = messages.find((each) => each.number === chosen);
  if (!current?.thread) return;
  const edit = news.findLast((each) => each.accepted && each.thread === current.thread);
  if (edit && edit.number > chosen) {
    history.replaceState(null, "", `#${edit.number}`);
    show();
  }
}

async function listen() {
  let wait = 0;
  for (;;) {
    try {
      const answer = await fetch(`/_messages?brief=1&after=${last}&box=${box}&wait=${wait}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const news = await answer.json();
      if (news.box !== box) {
        if (box) {
          location.hash = "";
          read.clear();
        }
        messages = [];
        box = news.box;
      }
      messages = messages.concat(news.messages).slice(-MOST);
      last = messages.at(-1)?.number ?? 0;
      document.getElementById("lost").hidden = true;
      wait = WAIT_SECONDS;
      if (news.messages.length) follow(news.messages);
      draw();
    } catch {
      document.getElementById("lost").hidden = false;
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

document.getElementById("clear").addEventListener("click", () => fetch("/_messages", { method: "DELETE" }));
addEventListener("hashchange", show);
addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || !["j", "k"].includes(event.key)) return;
  const links = [...list.querySelectorAll("a")];
  const at = links.findIndex((each) => each.hasAttribute("aria-current"));
  links[Math.max(0, at + (event.key === "j" ? 1 : -1))]?.click();
});
if (location.hash) show();
listen();
