// A base map from one PMTiles file: raster as it is; vector in the layers of GSI's optimised vector tiles.

import { PMTiles, Protocol, TileType } from "../vendor/pmtiles.js";

const LAYERS = [
  { "source-layer": "WA", type: "fill", paint: { "fill-color": "#bcd6e6" } },
  { "source-layer": "BldA", type: "fill", minzoom: 14, paint: { "fill-color": "#d9d4cb" } },
  { "source-layer": "RdCL", type: "line", paint: { "line-color": "#fff", "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.6, 16, 5] } },
  { "source-layer": "RailCL", type: "line", paint: { "line-color": "#777", "line-width": 1.4 } },
  { "source-layer": "AdmBdry", type: "line", paint: { "line-color": "#999", "line-dasharray": [4, 2] } },
];

export async function packedTiles(maplibregl, url, credit, ground) {
  const protocol = new Protocol();
  const file = new PMTiles(url);
  protocol.add(file);
  maplibregl.addProtocol("pmtiles", protocol.tile);
  const vector = (await file.getHeader()).tileType === TileType.Mvt;
  const base = { type: vector ? "vector" : "raster", url: `pmtiles://${url}`, attribution: credit };
  if (!vector) return { sources: { base: { ...base, tileSize: 256 } }, layers: [ground, { id: "base", type: "raster", source: "base" }] };
  const land = { ...ground, paint: { "background-color": "#f2efe8" } };
  const drawn = LAYERS.map((layer, number) => ({ id: `base-${number}`, source: "base", ...layer }));
  return { sources: { base }, layers: [land, ...drawn] };
}
