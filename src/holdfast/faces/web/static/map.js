// Zooms and pans the map, and lets the slider tell its time. The server draws; without this script
// the map is scrolled, and the slider's form has a button.
"use strict";

const STEP = 1.25, LEAST = 0.08, MOST = 4;
let scale = 0; // 0: as the server has it
let drag = null;

const frame = () => document.querySelector(".canvas");
const drawing = () => document.querySelector(".canvas > svg");
const isLive = () => document.getElementById("feed")?.dataset.state !== "past";

// The map is drawn anew when something happens: what was zoomed stays so.
function apply() {
  const map = drawing();
  if (!map) return;
  if (!map.classList.contains("zoomed")) map.own = [map.getAttribute("width"), map.getAttribute("height")];
  map.classList.toggle("zoomed", scale > 0);
  const box = map.viewBox.baseVal;
  const size = scale ? [box.width * scale, box.height * scale] : map.own;
  if (!size) return;
  map.setAttribute("width", size[0]);
  map.setAttribute("height", size[1]);
}

function zoom(to, x, y) {
  const map = drawing(), around = frame();
  if (!map) return;
  const before = map.getBoundingClientRect(), outer = around.getBoundingClientRect();
  const at = [x ?? outer.left + outer.width / 2, y ?? outer.top + outer.height / 2];
  const share = [(at[0] - before.left) / before.width, (at[1] - before.top) / before.height];
  scale = to && Math.min(Math.max(to, LEAST), MOST);
  apply();
  const after = map.getBoundingClientRect();
  around.scrollLeft += after.left + share[0] * after.width - at[0];
  around.scrollTop += after.top + share[1] * after.height - at[1];
}

function shown() {
  return drawing().getBoundingClientRect().width / drawing().viewBox.baseVal.width;
}

function whole() {
  const box = drawing().viewBox.baseVal, around = frame();
  return Math.min(around.clientWidth / box.width, Math.max(around.clientHeight, 320) / box.height);
}

const TURNS = {
  in: () => zoom(shown() * STEP),
  out: () => zoom(shown() / STEP),
  all: () => zoom(whole()),
  none: () => zoom(0),
};
const KEYS = { "+": "in", "=": "in", "-": "out", "0": "none" };

document.addEventListener("click", event => {
  const button = event.target.closest("[data-zoom]");
  if (button && drawing()) TURNS[button.dataset.zoom]();
});

document.addEventListener("keydown", event => {
  if (!event.target.matches?.(".canvas") || event.ctrlKey || event.metaKey || event.altKey) return;
  const turn = TURNS[KEYS[event.key]];
  if (!turn) return; // arrows scroll by themselves
  event.preventDefault();
  turn();
});

document.addEventListener("wheel", event => {
  if (!event.ctrlKey || !event.target.closest?.(".canvas")) return;
  event.preventDefault();
  zoom(shown() * (event.deltaY < 0 ? STEP : 1 / STEP), event.clientX, event.clientY);
}, { passive: false });

document.addEventListener("pointerdown", event => {
  const around = event.target.closest?.(".canvas");
  if (!around || event.pointerType !== "mouse" || event.button || event.target.closest("a")) return;
  drag = { x: event.clientX + around.scrollLeft, y: event.clientY + around.scrollTop };
});
document.addEventListener("pointermove", event => {
  const around = drag && frame();
  if (!around) return;
  around.scrollLeft = drag.x - event.clientX;
  around.scrollTop = drag.y - event.clientY;
});
for (const end of ["pointerup", "pointercancel", "blur"]) window.addEventListener(end, () => { drag = null; });

// The minute in words while the slider moves, for who does not see it.
document.addEventListener("input", event => {
  if (event.target.id !== "minute") return;
  const at = new Date(event.target.value * 60000).toISOString();
  event.target.setAttribute("aria-valuetext", `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`);
});

// The address follows the slider, so that it can be sent to somebody.
function follow() {
  const place = document.getElementById("shown")?.dataset.href;
  if (place && !isLive() && place !== location.pathname + location.search) history.replaceState(null, "", place);
}

document.addEventListener("htmx:after:swap", () => { apply(); follow(); });
for (const each of document.querySelectorAll(".zoom")) each.hidden = false;
document.querySelector(".canvas .found")?.scrollIntoView({ block: "center", inline: "center" });
