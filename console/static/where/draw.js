// Drawing on the map. What is drawn is told while the mouse still moves.

import {
  TerraDraw,
  TerraDrawCircleMode,
  TerraDrawPolygonMode,
  TerraDrawRectangleMode,
  TerraDrawSelectMode,
} from "../vendor/terra-draw.js";
import { TerraDrawMapLibreGLAdapter } from "../vendor/terra-draw-maplibre-gl-adapter.js";

const SHAPE = { fillColor: "#6f23d0", fillOpacity: 0.28, outlineColor: "#5109ad", outlineWidth: 3 };
const CORNERS = { midpoints: true, draggable: true, deletable: true };
const FLAGS = {
  polygon: { feature: { draggable: true, coordinates: CORNERS } },
  rectangle: { feature: { draggable: true, coordinates: { resizable: "opposite" } } },
  circle: { feature: { draggable: true, coordinates: { resizable: "center" } } },
};
const ROUND = 9;

// `changed` gets the polygons by id; `finished` is called when one is done.
export function openDrawing(map, changed, finished) {
  const draw = new TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: ROUND, renderBelowLayerId: "names" }),
    modes: [
      new TerraDrawPolygonMode({ styles: SHAPE, showCoordinatePoints: true }),
      new TerraDrawRectangleMode({ styles: SHAPE }),
      new TerraDrawCircleMode({ styles: SHAPE }),
      new TerraDrawSelectMode({ flags: FLAGS }),
    ],
  });
  draw.start();
  draw.on("change", () => changed(polygons(draw)));
  draw.on("finish", (id, context) => context.action === "draw" && finished(id));
  return {
    use: (tool) => draw.setMode(tool),
    drop: (id) => draw.hasFeature(id) && draw.removeFeatures([id]),
  };
}

function polygons(draw) {
  const found = new Map();
  for (const { id, geometry, properties } of draw.getSnapshot()) {
    if (geometry.type === "Polygon" && properties.mode in FLAGS && distinct(geometry.coordinates[0]) > 2) {
      found.set(id, { geometry, drawing: Boolean(properties.currentlyDrawing), tool: properties.mode });
    }
  }
  return found;
}

function distinct(ring) {
  return new Set(ring.map(String)).size;
}
