"use strict";

// The chat page: what the server tells is shown, what a person does is told to the server.
// Texts reach the page as text nodes only.

const LONDON = "Europe/London";
const byId = (id) => document.getElementById(id);
const text = byId("text");
const grouped = new Intl.NumberFormat("en-GB");
const hour = new Intl.DateTimeFormat("en-GB", { timeZone: LONDON, hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { timeZone: LONDON, day: "numeric", month: "long", year: "numeric" });
const shortDay = new Intl.DateTimeFormat("en-GB", { timeZone: LONDON, day: "numeric", month: "short", year: "numeric" });
const weekday = new Intl.DateTimeFormat("en-GB", { timeZone: LONDON, weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

const waiting = new Map(); // a pressed key's number, then its callback query's id: the key
const rooms = new Map(); // by key: its title, its log, whether it is read at its end, what is unread
let current = null; // the room that is open
let inGroup = false;
let invented = [];
let startLink = ""; // what leads to the private chat with the bot
let botName = "Petition Bell";
let commands = [];
let beats = [];
let socket = null;
let toastTimer = 0;
let typingTimer = 0;
let keyNumber = 0;

function make(name, className, ...children) {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

function icon(name, label) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.append(use);
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  return svg;
}

// Text with entities. Offsets count UTF-16 units, as JavaScript's strings do.

const BLOCKS = new Set(["blockquote", "expandable_blockquote", "pre"]);
const PLAIN_TAGS = { bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code" };

function formatted(source, entities = []) {
  const body = make("div", "body");
  const blocks = entities.filter((entity) => BLOCKS.has(entity.type));
  let position = 0;
  for (const block of blocks) {
    if (block.offset < position) continue;
    const end = block.offset + block.length;
    let before = block.offset;
    if (source[before - 1] === "\n") before -= 1; // the block begins a line of its own anyway
    appendInline(body, source, entities, position, Math.max(before, position));
    body.append(blockElement(block, source, entities, block.offset, end));
    position = source[end] === "\n" ? end + 1 : end;
  }
  appendInline(body, source, entities, position, source.length);
  return body;
}

function blockElement(block, source, entities, start, end) {
  if (block.type === "pre") {
    const pre = make("pre", "");
    appendInline(pre, source, entities, start, end);
    return pre;
  }
  const quoted = make("div", "quoted");
  appendInline(quoted, source, entities, start, end);
  const quote = make("blockquote", "", quoted);
  if (block.type === "expandable_blockquote") foldable(quote, quoted);
  return quote;
}

function foldable(quote, quoted) {
  quote.classList.add("folded");
  const button = make("button", "unfold", "Show more");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => {
    if (current) current.pinned = false; // who unfolds a text wants to read it from where it begins
    const folded = quote.classList.toggle("folded");
    button.textContent = folded ? "Show more" : "Show less";
    button.setAttribute("aria-expanded", String(!folded));
  });
  quote.append(button);
  requestAnimationFrame(() => {
    if (quoted.isConnected && quoted.scrollHeight <= quoted.clientHeight + 2) {
      quote.classList.remove("folded");
      button.remove();
    }
  });
}

function appendInline(parent, source, entities, start, end) {
  if (start >= end) return;
  const inline = entities.filter(
    (entity) => !BLOCKS.has(entity.type) && entity.offset < end && entity.offset + entity.length > start,
  );
  const cuts = new Set([start, end]);
  for (const entity of inline) {
    cuts.add(Math.max(entity.offset, start));
    cuts.add(Math.min(entity.offset + entity.length, end));
  }
  const places = [...cuts].sort((one, other) => one - other);
  for (let index = 0; index + 1 < places.length; index += 1) {
    const [from, to] = [places[index], places[index + 1]];
    const active = inline.filter((entity) => entity.offset <= from && entity.offset + entity.length >= to);
    let node = document.createTextNode(source.slice(from, to));
    for (const entity of active.reverse()) {
      const wrapper = inlineElement(entity, source);
      if (!wrapper) continue;
      wrapper.append(node);
      node = wrapper;
    }
    parent.append(node);
  }
}

function inlineElement(entity, source) {
  const whole = source.slice(entity.offset, entity.offset + entity.length);
  switch (entity.type) {
    case "text_link":
      return link(entity.url);
    case "url":
      return link(whole.includes("://") ? whole : `https://${whole}`);
    case "bot_command":
      return commandButton(whole);
    case "spoiler":
      return spoiler(entity);
    default:
      return PLAIN_TAGS[entity.type] ? make(PLAIN_TAGS[entity.type]) : null;
  }
}

function link(address) {
  const anchor = make("a");
  if (/^(https?|tg):/i.test(address)) anchor.href = address;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  if (startLink && address.startsWith(startLink)) {
    anchor.addEventListener("click", (event) => {
      event.preventDefault();
      openRoom("private");
      say(`/start ${address.slice(startLink.length)}`);
    });
  }
  if (invented.some((number) => address.endsWith(`/petitions/${number}`))) {
    anchor.addEventListener("click", (event) => {
      event.preventDefault();
      toast("This petition is invented, so no site has a page for it.");
    });
  }
  return anchor;
}

function commandButton(command) {
  const button = make("button", "command");
  button.type = "button";
  button.addEventListener("click", () => say(command));
  return button;
}

function spoiler(entity) {
  const span = make("span", "spoiler");
  span.dataset.spoiler = entity.offset;
  span.tabIndex = 0;
  span.setAttribute("role", "button");
  span.setAttribute("aria-label", "Hidden text, show");
  const show = () => {
    for (const part of span.closest(".body").querySelectorAll(`[data-spoiler="${entity.offset}"]`)) {
      part.classList.add("shown");
      part.removeAttribute("role");
      part.removeAttribute("aria-label");
      part.removeAttribute("tabindex");
    }
  };
  span.addEventListener("click", show);
  span.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") show();
  });
  return span;
}

// Messages

function messageElement(message) {
  const bubble = make("div", "bubble");
  const original = message.reply_to_message;
  if (original && !original.forum_topic_created) bubble.append(replyQuote(message));
  if (message.photo) bubble.append(picture(message));
  if (message.document) bubble.append(attachedFile(message.document));
  if (message.text) bubble.append(formatted(message.text, message.entities));
  if (message.caption) bubble.append(formatted(message.caption, message.caption_entities));
  bubble.append(foot(message));
  const element = make("article", "message", bubble);
  element.dataset.testid = "message";
  element.dataset.id = `${message.chat.id}:${message.message_id}`;
  element.dataset.date = message.date;
  element.setAttribute("aria-label", message.mine ? "You" : botName);
  element.classList.toggle("mine", Boolean(message.mine));
  const rows = message.reply_markup?.inline_keyboard;
  if (rows?.length) {
    element.classList.add("has-keys");
    element.append(keyboard(message, rows));
  }
  return element;
}

function foot(message) {
  const parts = make("div", "foot");
  if (message.silent) parts.append(icon("muted", "Sent silently"));
  if (message.edit_date) parts.append(make("span", "", "edited"));
  const when = new Date(message.date * 1000);
  const time = make("time", "", hour.format(when));
  time.dateTime = when.toISOString();
  parts.append(time);
  return parts;
}

function replyQuote(message) {
  const original = message.reply_to_message;
  const words = message.quote?.text || original.text || original.caption || (original.photo ? "Photo" : "File");
  const mine = !original.from?.is_bot;
  const button = make("button", "reply", make("b", "", mine ? "You" : botName), make("span", "", words));
  button.type = "button";
  button.addEventListener("click", () => pointAt(message.chat.id, original.message_id));
  return button;
}

function pointAt(chat, id) {
  const target = find(chat, id);
  if (!target) return;
  target.scrollIntoView({ block: "center" });
  target.classList.remove("pointed");
  requestAnimationFrame(() => target.classList.add("pointed"));
}

function picture(message) {
  const size = message.photo[message.photo.length - 1];
  const image = make("img");
  image.width = size.width;
  image.height = size.height;
  image.alt = message.caption ? `Picture: ${message.caption}` : "Picture";
  image.src = `/files/${encodeURIComponent(size.file_id)}`;
  const anchor = make("a", "picture", image);
  anchor.href = image.src;
  anchor.target = "_blank";
  anchor.rel = "noopener";
  return anchor;
}

function attachedFile(file) {
  const size = file.file_size < 1024 ? `${file.file_size} B` : `${grouped.format(Math.round(file.file_size / 1024))} KB`;
  const words = make("span", "", make("b", "", file.file_name || "File"), make("small", "", `${size} · download`));
  const anchor = make("a", "file", make("span", "icon", icon("page")), words);
  anchor.href = `/files/${encodeURIComponent(file.file_id)}`;
  anchor.download = file.file_name || "file";
  return anchor;
}

function keyboard(message, rows) {
  const keys = make("div", "keys");
  keys.setAttribute("role", "group");
  keys.setAttribute("aria-label", "Buttons");
  for (const row of rows) keys.append(make("div", "", ...row.map((button) => key(message, button))));
  return keys;
}

function key(message, button) {
  const element = button.url ? link(button.url) : make("button");
  element.className = `key ${button.url ? "away" : ""} ${button.style || ""}`.trim();
  element.dataset.testid = "key";
  element.append(button.text);
  if (button.url) return element;
  element.type = "button";
  element.addEventListener("click", () => pressed(element, message, button));
  return element;
}

function pressed(element, message, button) {
  if (button.copy_text) {
    navigator.clipboard?.writeText(button.copy_text.text);
    toast("Copied");
  } else if (button.callback_data === undefined) {
    toast("In Telegram this opens your list of chats.");
  } else {
    keyNumber += 1;
    waiting.set(keyNumber, element);
    element.classList.add("waiting");
    tell({ do: "press", room: message.room, message_id: message.message_id, data: button.callback_data, key: keyNumber });
  }
}

// The buttons beneath the newest message that has any, one key press away from writing.
function lastKeys() {
  [...current.log.querySelectorAll(".keys")].at(-1)?.querySelector(".key").focus();
}

function find(chat, id) {
  return document.querySelector(`[data-id="${Number(chat)}:${Number(id)}"]`);
}

function atBottom() {
  const { log } = current;
  return log.scrollHeight - log.scrollTop - log.clientHeight < 90;
}

// Pictures load, quotes fold and keyboards change after a message has been added.
const sizes = new ResizeObserver(() => {
  if (current?.pinned) toBottom();
});

function toBottom() {
  current.pinned = true;
  current.log.scrollTop = current.log.scrollHeight;
  byId("newest").hidden = true;
}

function addMessage(message, arriving) {
  const room = rooms.get(message.room);
  const last = room.log.querySelector(".message:last-of-type");
  const when = new Date(message.date * 1000);
  const lastDate = last ? new Date(Number(last.dataset.date) * 1000) : null;
  if (!lastDate || day.format(when) !== day.format(lastDate)) {
    room.log.append(make("div", "day", day.format(when)));
  }
  const element = messageElement(message);
  element.classList.toggle("arriving", arriving);
  room.log.append(element);
  sizes.observe(element);
  heard(room, message);
  if (room !== current) {
    if (arriving) room.unread += 1;
  } else if (arriving && !message.mine && !room.pinned) {
    byId("newest").hidden = false;
  } else {
    toBottom();
  }
  showRooms();
}

// What the bot asks in a group is answered by a reply to it, as Telegram offers it by itself.
function heard(room, message) {
  const asks = message.reply_markup?.force_reply;
  if (message.mine || asks) room.answering = asks ? message : null;
  if (!message.mine && room === current) presence("");
}

// Rooms: the private chat, and the topics of a group

function makeRooms(listed) {
  rooms.clear();
  byId("logs").replaceChildren();
  byId("rooms").replaceChildren();
  for (const { key: name, title } of listed) {
    const log = make("div", "log");
    log.setAttribute("role", "log");
    log.setAttribute("aria-live", "polite");
    log.setAttribute("aria-label", `Messages: ${title}`);
    log.tabIndex = 0;
    log.hidden = true;
    const button = make("button", "", title);
    button.type = "button";
    button.dataset.testid = `room-${name}`;
    button.addEventListener("click", () => openRoom(name));
    byId("rooms").append(button);
    byId("logs").append(log);
    const room = { name, title, log, button, unread: 0, pinned: true, answering: null };
    log.addEventListener("scroll", () => {
      if (room !== current) return;
      room.pinned = atBottom();
      if (room.pinned) byId("newest").hidden = true;
    });
    sizes.observe(log);
    rooms.set(name, room);
  }
}

function openRoom(name) {
  if (current) current.log.hidden = true;
  current = rooms.get(name);
  current.log.hidden = false;
  current.unread = 0;
  showRooms();
  if (current.pinned) toBottom();
}

function showRooms() {
  for (const room of rooms.values()) {
    const unread = make("b", "", String(room.unread), make("span", "unseen", " new"));
    room.button.replaceChildren(room.title, ...(room.unread ? [" ", unread] : []));
    room.button.setAttribute("aria-pressed", String(room === current));
  }
  const isPrivate = current.name === "private";
  const isEmpty = !current.log.querySelector(".message");
  byId("empty").hidden = !(isPrivate && isEmpty);
  byId("join").hidden = isPrivate || inGroup;
  byId("topic").hidden = isPrivate || !inGroup || !isEmpty;
  current.log.tabIndex = isEmpty ? -1 : 0;
  byId("form").hidden = !isPrivate && !inGroup;
  text.placeholder = current.answering?.reply_markup.input_field_placeholder || "Message";
}

function editMessage(message) {
  const before = find(message.chat.id, message.message_id);
  if (!before) return;
  const open = [...before.querySelectorAll(".unfold")].map((button) => button.getAttribute("aria-expanded"));
  const focused = [...before.querySelectorAll("[data-testid=key]")].indexOf(document.activeElement);
  const after = messageElement(message);
  before.replaceWith(after);
  after.querySelectorAll(".unfold").forEach((button, index) => open[index] === "true" && button.click());
  if (focused >= 0) (after.querySelectorAll("[data-testid=key]")[focused] || text).focus();
  sizes.observe(after);
}

function removeMessage({ chat_id: chat, message_id: id }) {
  const element = find(chat, id);
  if (!element) return;
  const chip = element.previousElementSibling;
  const next = element.nextElementSibling;
  element.remove();
  if (chip?.classList.contains("day") && (!next || next.classList.contains("day"))) chip.remove();
  showRooms();
}

function showReaction({ chat_id: chat, message_id: id, reaction }) {
  const element = find(chat, id);
  if (!element) return;
  element.querySelector(".reactions")?.remove();
  const signs = reaction.map((sign) => sign.emoji || "").join("");
  if (signs) element.append(make("div", "reactions", signs));
}

function clearChat(chat) {
  for (const room of rooms.values()) {
    if ((room.name === "private") !== (chat > 0)) continue;
    room.log.replaceChildren();
    Object.assign(room, { unread: 0, pinned: true, answering: null });
  }
  waiting.clear();
  byId("newest").hidden = true;
  presence("");
  showRooms();
}

// Answers to pressed keys

function answered({ callback_query_id: id, text: words, show_alert: alert }) {
  waiting.get(id)?.classList.remove("waiting");
  waiting.delete(id);
  if (words && alert) {
    byId("alert-text").textContent = words;
    byId("alert").showModal();
  } else if (words) {
    toast(words);
  }
}

function toast(words) {
  const element = byId("toast");
  element.textContent = words;
  element.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { element.hidden = true; }, 3500);
}

function presence(action) {
  clearTimeout(typingTimer);
  byId("presence").textContent = action || "bot · unofficial demo";
  if (action) typingTimer = setTimeout(() => presence(""), 5000);
}

const ACTIONS = { typing: "typing…", upload_photo: "sending a picture…", upload_document: "sending a file…" };

// Writing

function say(words) {
  if (!words.trim()) return;
  const { name, answering } = current;
  tell({ do: "say", room: name, text: words, reply_to: answering?.message_id });
  showMenu(false);
}

function send(event) {
  event?.preventDefault();
  say(text.value);
  text.value = "";
  fit();
}

function fit() {
  text.style.height = "auto";
  text.style.height = `${text.scrollHeight + 2}px`;
}

function typed() {
  fit();
  const word = text.value;
  const begun = word.startsWith("/") && !/\s/.test(word);
  showMenu(begun && matching(word.slice(1)).length > 0, begun ? word.slice(1) : "");
}

function matching(start) {
  return commands.filter(({ command }) => command.startsWith(start.toLowerCase()));
}

function showMenu(open, start = "") {
  const list = byId("commands");
  list.replaceChildren(...matching(start).map(commandRow));
  if (!commands.length) list.append(make("li", "none", "There are no commands yet."));
  byId("menu").hidden = !open;
  byId("menu-button").setAttribute("aria-expanded", String(open));
}

function commandRow({ command, description }) {
  const button = make("button", "", make("b", "", `/${command}`), make("span", "", description));
  button.type = "button";
  button.addEventListener("click", () => {
    text.value = "";
    say(`/${command}`);
    text.focus();
  });
  return make("li", "", button);
}

async function sendFile(file) {
  if (!file) return;
  const where = new URLSearchParams({ room: current.name, name: file.name });
  const sent = await fetch(`/files?${where}`, { method: "POST", body: file }).catch(() => null);
  if (!sent?.ok) toast(sent?.status === 413 ? "This file is too big." : "The file couldn't be sent.");
}

// The story

function showBeats() {
  byId("beats").replaceChildren(...beats.map((beat) => {
    const when = new Date(beat.story);
    const time = make("time", "", shortDay.format(when));
    time.dateTime = beat.story;
    return make("li", "", make("span", "", beat.title), time);
  }));
}

function showClock(clock) {
  const when = new Date(clock.story);
  const shown = byId("clock");
  shown.textContent = weekday.format(when);
  shown.dateTime = clock.story;
  byId("count").textContent = grouped.format(clock.count);
  showTowards(clock.count);
  const past = beats.filter((beat) => clock.started && beat.at <= clock.position + 0.001).length;
  [...byId("beats").children].forEach((row, index) => {
    row.classList.toggle("past", index < past);
    row.classList.toggle("latest", index === past - 1);
    if (index === past - 1) row.setAttribute("aria-current", "step");
    else row.removeAttribute("aria-current");
  });
  const stands = clock.started && (clock.paused || clock.waiting);
  const pause = byId("pause");
  pause.textContent = stands ? "Go on" : "Pause";
  pause.dataset.do = stands ? "resume" : "pause";
  pause.disabled = !clock.started || clock.finished;
  byId("step").disabled = clock.finished;
  byId("end").hidden = !clock.finished;
  showState(clock);
  for (const radio of document.getElementsByName("speed")) radio.checked = Number(radio.value) === clock.speed;
  if (inGroup !== clock.in_group) {
    inGroup = clock.in_group;
    showRooms();
  }
}

function showState(clock) {
  let words = "";
  if (!clock.started) words = "The story begins when you follow 300239.";
  else if (clock.finished) words = "The end.";
  else if (clock.paused) words = "Paused.";
  else if (clock.waiting) words = "Waiting for your answer to the bot.";
  const state = byId("state");
  if (state.textContent !== words) state.textContent = words;
}

function showTowards(count) {
  const goal = count < 10000 ? 10000 : 100000;
  const what = goal === 10000 ? "a government response is due" : "it is considered for a debate";
  byId("fill").style.width = `${Math.min(100, (100 * count) / goal)}%`;
  byId("towards").textContent = count < goal
    ? `${grouped.format(goal - count)} more until ${what}`
    : "Past 100,000: considered for a debate";
}

// The wire

const HEARD = {
  hello(news) {
    botName = news.name;
    ({ commands, beats, invented, start_link: startLink } = news);
    const open = current?.name || "private";
    makeRooms(news.rooms);
    openRoom(open);
    showBeats();
    for (const message of news.messages) addMessage(message, false);
    byId("offline").hidden = true;
  },
  message: ({ message }) => addMessage(message, true),
  edit: ({ message }) => editMessage(message),
  delete: removeMessage,
  clear: (news) => clearChat(news.chat_id),
  answer: answered,
  reaction: showReaction,
  action: ({ action }) => presence(ACTIONS[action] || "typing…"),
  clock: showClock,
  commands(news) {
    ({ commands } = news);
    if (!byId("menu").hidden) showMenu(true);
  },
  pressed(news) {
    waiting.set(news.callback_query_id, waiting.get(news.key));
    waiting.delete(news.key);
  },
};

function tell(wish) {
  const said = JSON.stringify(wish);
  if (socket?.readyState === WebSocket.OPEN) socket.send(said);
  // What is asked while the page still connects is asked as soon as it has.
  else if (socket?.readyState === WebSocket.CONNECTING) {
    socket.addEventListener("open", ({ target }) => target.send(said), { once: true });
  }
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.addEventListener("message", ({ data }) => {
    const news = JSON.parse(data);
    HEARD[news.kind]?.(news);
  });
  socket.addEventListener("close", () => {
    byId("offline").hidden = false;
    setTimeout(connect, 1000);
  });
}

byId("form").addEventListener("submit", send);
text.addEventListener("input", typed);
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  if (event.key === "Escape") showMenu(false);
  if (event.key === "ArrowUp" && !text.value) lastKeys();
});
byId("menu-button").addEventListener("click", () => showMenu(byId("menu").hidden));
byId("newest").addEventListener("click", toBottom);
byId("join-button").addEventListener("click", () => {
  tell({ do: "join" });
  openRoom("general");
  text.focus();
});
byId("attach").addEventListener("click", () => byId("file").click());
byId("file").addEventListener("change", async ({ target }) => {
  await sendFile(target.files[0]);
  target.value = "";
});
for (const button of document.querySelectorAll("[data-say]")) {
  button.addEventListener("click", () => say(button.dataset.say));
}
byId("pause").addEventListener("click", ({ target }) => tell({ do: target.dataset.do }));
for (const button of document.querySelectorAll("#step, [data-do=restart]")) {
  button.addEventListener("click", () => {
    tell({ do: button.dataset.do });
    if (button.closest("#end")) text.focus();
  });
}
for (const radio of document.getElementsByName("speed")) {
  radio.addEventListener("change", () => tell({ do: "speed", speed: Number(radio.value) }));
}
// On a phone the events stay folded until somebody asks for them.
const narrow = matchMedia("(width < 54rem)");
const fold = () => { byId("more").open = !narrow.matches; };
narrow.addEventListener("change", fold);
fold();
connect();
