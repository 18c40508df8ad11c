// Shows new requests as they arrive, keeps the other parts up to date, and opens details in a dialog.
"use strict";

const rows = document.getElementById("request-rows");
const state = document.getElementById("live-state");
const pause = document.getElementById("pause");
const announcement = document.getElementById("announcement");
let source = null;
let refreshing = null;
let refreshAgain = false;
let announceTimer = null;

function parsed(markup) {
  const template = document.createElement("template");
  template.innerHTML = markup;
  return template.content;
}

// Screen readers get at most one sentence per second.
function announce(text) {
  clearTimeout(announceTimer);
  announceTimer = setTimeout(() => { announcement.textContent = text; }, 1000);
}

function addRows(markup) {
  const table = document.getElementById("request-rows");
  const fresh = [...parsed(`<table><tbody>${markup}</tbody></table>`).querySelectorAll("tr")]
    .filter((row) => !document.getElementById(row.id));
  fresh.forEach((row) => row.classList.add("new"));
  table.prepend(...fresh);
  while (table.rows.length > Number(table.dataset.shown)) table.lastElementChild.remove();
}

// Replaces a part with a newer copy, and restores the focus.
function replace(part, newer) {
  if (!newer || part.innerHTML === newer.innerHTML) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.replaceChildren(...newer.childNodes);
  if (focused) (document.getElementById(focused) || part.closest("section")).focus();
}

async function load() {
  const address = location.pathname === "/" ? location.pathname + location.search : "/";
  const response = await fetch(address, { headers: { Accept: "text/html" } });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

async function refreshParts() {
  const newer = await load();
  document.querySelectorAll("[data-live]").forEach((part) => {
    replace(part, newer.getElementById(part.id));
  });
  // A restarted emulator has a new token.
  const token = newer.querySelector("input[name=token]").value;
  document.querySelectorAll("input[name=token]").forEach((input) => { input.value = token; });
  return newer;
}

// Runs one refresh at a time, and another one if something changed in the meantime.
function refresh() {
  if (refreshing) {
    refreshAgain = true;
    return;
  }
  refreshing = refreshParts().catch(() => {}).finally(() => {
    refreshing = null;
    if (!refreshAgain) return;
    refreshAgain = false;
    setTimeout(refresh, 300);
  });
}

async function startOver() {
  disconnect();
  try {
    const newer = await refreshParts();
    replace(document.getElementById("request-table"), newer.getElementById("request-table"));
    connect();
  } catch {
    showState("The emulator does not respond; retrying.");
    setTimeout(startOver, 1000);
  }
}

function showState(text) {
  state.textContent = text;
}

function connect() {
  const after = encodeURIComponent(document.getElementById("request-rows").dataset.after);
  source = new EventSource(`/_emulator/dashboard/events?after=${after}`);
  source.addEventListener("open", () => {
    showState("Live");
    state.classList.add("live");
    refresh();
  });
  source.addEventListener("error", () => {
    showState("The emulator does not respond; retrying.");
    state.classList.remove("live");
    if (source && source.readyState === EventSource.CLOSED) setTimeout(startOver, 1000);
  });
  source.addEventListener("reset", startOver);
  source.addEventListener("changed", refresh);
  source.addEventListener("requests", (event) => {
    const data = JSON.parse(event.data);
    addRows(data.rows);
    announce(data.announcement);
  });
}

function disconnect() {
  if (source) source.close();
  source = null;
  state.classList.remove("live");
}

function togglePause() {
  const paused = pause.getAttribute("aria-pressed") === "false";
  pause.setAttribute("aria-pressed", String(paused));
  if (paused) {
    disconnect();
    showState("Paused");
  } else {
    startOver();
  }
}

async function showDetails(link) {
  const response = await fetch(link.href);
  if (!response.ok) {
    announce("The request is no longer kept.");
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "request-heading");
  const close = document.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.append(close, page.getElementById("request-details"));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function onClick(event) {
  const link = event.target.closest("a.details");
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (!link || !plain || event.button !== 0) return;
  event.preventDefault();
  showDetails(link).catch(() => { location.href = link.href; });
}

if (rows) {
  pause.hidden = false;
  pause.addEventListener("click", togglePause);
  document.addEventListener("click", onClick);
  // After a reload, do not repeat the notice.
  const address = new URL(location.href);
  if (address.searchParams.has("done")) {
    address.searchParams.delete("done");
    history.replaceState(null, "", address);
  }
  connect();
}
