// The map: the town's own layers, which need nobody's tiles, above a base map where a setting names one.

import * as maplibregl from "../vendor/maplibre-gl.mjs";
import { say } from "../page.js";

const STATUSES = ["open", "crowded", "full", "closed", "unopened"];
const EMPTY = { type: "FeatureCollection", features: [] };
const JAPAN = [[127.5, 26], [146, 45.5]];
const LABELS = { "text-font": ["sans-serif"], "text-size": 13, "text-max-width": 12 };

export async function openMap(element) {
  const base = await baseMap(element.dataset);
  const map = new maplibregl.Map({
    container: element,
    style: { version: 8, sources: base.sources, layers: base.layers },
    bounds: JAPAN,
    dragRotate: false,
    pitchWithRotate: false,
    attributionControl: { compact: false },
    locale: words(),
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new maplibregl.ScaleControl({ maxWidth: 120 }), "bottom-left");
  await new Promise((done) => map.once("load", done));
  await addLayers(map, element.dataset);
  return map;
}

function words() {
  return {
    "Map.Title": say("地図。矢印キーで動かし、＋と－で拡大・縮小します", "Map. Arrow keys move it, plus and minus zoom"),
    "NavigationControl.ZoomIn": say("拡大", "Zoom in"),
    "NavigationControl.ZoomOut": say("縮小", "Zoom out"),
    "AttributionControl.ToggleAttribution": say("出典", "Sources"),
    "ScaleControl.Meters": "m",
    "ScaleControl.Kilometers": "km",
  };
}

async function addLayers(map, data) {
  await Promise.all(STATUSES.map((status) => addIcon(map, data.icons, status)));
  const [boundaries, shelters, active] = await Promise.all(
    [data.boundaries, data.shelters, data.active].map(fetchLayer),
  );
  map.addSource("boundaries", { type: "geojson", data: boundaries });
  map.addSource("shelters", { type: "geojson", data: shelters });
  map.addSource("active", { type: "geojson", data: active });
  map.addSource("chosen", { type: "geojson", data: EMPTY });
  for (const layer of LAYERS) map.addLayer(layer);
  map.on("click", "shelters", (event) => showShelter(map, event.features[0]));
  const around = bounds(boundaries.features.length ? boundaries : shelters);
  if (around) map.fitBounds(around, { padding: 24, animate: false });
}

const LAYERS = [
  {
    id: "municipalities", type: "fill", source: "boundaries", filter: ["==", ["get", "kind"], "municipality"],
    paint: { "fill-color": "#fffef7", "fill-opacity": 0.55 },
  },
  {
    id: "districts", type: "fill", source: "boundaries", filter: ["==", ["get", "kind"], "district"],
    paint: { "fill-color": "#8ca88c", "fill-opacity": 0.14 },
  },
  {
    id: "district-lines", type: "line", source: "boundaries", filter: ["==", ["get", "kind"], "district"],
    paint: { "line-color": "#666", "line-width": 1, "line-dasharray": [3, 2] },
  },
  {
    id: "municipality-lines", type: "line", source: "boundaries", filter: ["==", ["get", "kind"], "municipality"],
    paint: { "line-color": "#333", "line-width": 1.8 },
  },
  {
    id: "active", type: "fill", source: "active",
    paint: { "fill-color": ["match", ["get", "mode"], "live", "#a90000", "#0055ad"], "fill-opacity": 0.12 },
  },
  {
    id: "active-live", type: "line", source: "active", filter: ["==", ["get", "mode"], "live"],
    paint: { "line-color": "#a90000", "line-width": 3 },
  },
  {
    id: "active-drill", type: "line", source: "active", filter: ["!=", ["get", "mode"], "live"],
    paint: { "line-color": "#0055ad", "line-width": 2.5, "line-dasharray": [2, 1.5] },
  },
  { id: "chosen", type: "fill", source: "chosen", paint: { "fill-color": "#6f23d0", "fill-opacity": 0.28 } },
  { id: "chosen-line", type: "line", source: "chosen", paint: { "line-color": "#5109ad", "line-width": 3 } },
  {
    id: "names", type: "symbol", source: "boundaries", filter: ["==", ["get", "kind"], "district"],
    layout: { ...LABELS, "text-field": ["get", "name"] },
    paint: { "text-color": "#1a1a1a", "text-halo-color": "#fff", "text-halo-width": 1.6 },
  },
  {
    id: "shelters", type: "symbol", source: "shelters",
    layout: {
      ...LABELS, "icon-image": ["concat", "shelter-", ["get", "status"]], "icon-size": 0.75, "icon-allow-overlap": true,
      "text-field": ["step", ["zoom"], "", 13, ["get", "name"]], "text-anchor": "top", "text-offset": [0, 0.9],
      "text-size": 12, "text-optional": true,
    },
    paint: { "text-color": "#0c472a", "text-halo-color": "#fff", "text-halo-width": 1.6 },
  },
];

async function fetchLayer(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.json();
}

async function addIcon(map, address, status) {
  const image = new Image(32, 32);
  image.src = address.replace("shelter-open", `shelter-${status}`);
  await image.decode();
  if (!map.hasImage(`shelter-${status}`)) map.addImage(`shelter-${status}`, image);
}

function showShelter(map, feature) {
  const { name, status, capacity } = feature.properties;
  const said = {
    open: say("開設", "open"), crowded: say("混雑", "crowded"), full: say("満員", "full"),
    closed: say("閉鎖", "closed"), unopened: say("未開設", "not open"),
  };
  const room = capacity ? say(`定員${capacity.toLocaleString()}人`, `room for ${capacity.toLocaleString()}`) : "";
  new maplibregl.Popup({ closeButton: true })
    .setLngLat(feature.geometry.coordinates)
    .setText([name, said[status], room].filter(Boolean).join(say("、", ", ")))
    .addTo(map);
}

export function showChosen(map, geometry) {
  const feature = geometry && { type: "Feature", properties: {}, geometry };
  map.getSource("chosen").setData(feature ?? EMPTY);
}

// Moves only when part of it would not be seen.
export function bringIntoView(map, [west, south, east, north]) {
  const seen = map.getBounds();
  if (seen.contains([west, south]) && seen.contains([east, north])) return;
  map.fitBounds([[west, south], [east, north]], { padding: 40, animate: !still() });
}

function still() {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function bounds(collection) {
  const box = new maplibregl.LngLatBounds();
  const take = (numbers) => (typeof numbers[0] === "number" ? box.extend(numbers) : numbers.forEach(take));
  for (const feature of collection.features) take(feature.geometry.coordinates);
  return box.isEmpty() ? null : box;
}

async function baseMap({ basemapKind: kind, basemapUrl: url, basemapCredit: credit }) {
  const ground = { id: "ground", type: "background", paint: { "background-color": "#dfe9ee" } };
  if (kind === "raster") {
    const base = { type: "raster", tiles: [url], tileSize: 256, maxzoom: 18, attribution: credit };
    return { sources: { base }, layers: [ground, { id: "base", type: "raster", source: "base" }] };
  }
  if (kind === "pmtiles") {
    const { packedTiles } = await import("./packed_tiles.js");
    return packedTiles(maplibregl, new URL(url, location.href).href, credit, ground);
  }
  return { sources: {}, layers: [ground] };
}
