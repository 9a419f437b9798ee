// Step 1: the ways of giving an area come together here.

import { mode, say } from "../page.js";
import { openCounting } from "./count.js";
import { showCount, showNothing, showProblem } from "./numbers.js";
import { keyOf, Parts } from "./parts.js";
import { openTools } from "./tools.js";
import { openWays } from "./ways.js";

const $ = (id) => document.getElementById(id);
const element = $("map");
const capacities = new Map();
let board = null;
let drawing = false;

const counting = openCounting(
  "/map/count",
  (found, question) => {
    showCount(found, capacities);
    if (question.shape) board?.show(found.area);
  },
  (sentences) => {
    showProblem(sentences);
    board?.show(null);
  },
);

const parts = new Parts({
  list: $("chosen-list"),
  none: $("chosen-none"),
  field: $("areas"),
  changed: count,
  dropped: (key) => {
    ways.untick(key);
    board?.drop(key);
  },
});
const ways = openWays(parts);

function count() {
  const areas = parts.all;
  if (areas.length) return counting.ask({ areas, mode: mode(), shape: !drawing });
  counting.cancel();
  showNothing();
  board?.show(null);
}

function drawn(polygons) {
  drawing = [...polygons.values()].some((polygon) => polygon.drawing);
  parts.draw(polygons);
}

async function openBoard() {
  try {
    const { openMap, showChosen, bringIntoView } = await import("./map.js");
    const { openDrawing } = await import("./draw.js");
    const map = await openMap(element);
    const tools = openTools(map, openDrawing(map, drawn, () => tools.rest()), (part, name) => ways.toggle(part, name));
    board = {
      drop: (key) => key.startsWith("drawn:") && tools.drop(key.slice("drawn:".length)),
      show: (area) => {
        showChosen(map, area?.geometry);
        if (area && !drawing) bringIntoView(map, area.bounds);
      },
    };
    element.dataset.ready = "yes";
    if (parts.all.length) count();
  } catch (error) {
    console.error(error);
    element.hidden = true;
    document.querySelector(".tools").hidden = true;
    $("map-missing").hidden = false;
  }
}

async function readCapacities() {
  const answer = await fetch(element.dataset.shelters);
  if (!answer.ok) return;
  for (const { properties } of (await answer.json()).features) capacities.set(properties.id, properties.capacity);
}

$("where").addEventListener("submit", (event) => {
  if (parts.all.length) return;
  event.preventDefault();
  ways.complain(
    say(
      "区域がないので、誰にも送りません。地図に描くか、地区を選ぶか、点と半径を入れてください。",
      "Without an area nobody is notified. Draw one on the map, pick a district, or give a point and a radius.",
    ),
  );
});
document.addEventListener("todoke:mode", count);

for (const part of JSON.parse($("areas").value)) ways.take(part, keyOf(part));
await readCapacities();
await openBoard();
