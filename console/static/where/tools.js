// The tools above the map: exactly one is in the hand.

import { say } from "../page.js";

const DRAWING = ["polygon", "rectangle", "circle", "select"];
const HINTS = {
  polygon: ["角を順にクリックし、最初の点をもう一度クリックすると閉じます。Esc でやめます。", "Click the corners one by one, then the first again. Esc gives up."],
  rectangle: ["向かい合う二つの角をクリックします。", "Click two opposite corners."],
  circle: ["中心をクリックし、広げてもう一度クリックします。", "Click the centre, move out, and click again."],
  pick: ["地図の地区をクリックすると選べます。もう一度で外れます。", "Click a district on the map to choose it, again to leave it out."],
  select: ["図形を選び、点をつかんで動かします。Delete で消えます。", "Choose a shape and move its points. Delete removes it."],
  static: ["", ""],
};

export function openTools(map, drawing, picked) {
  const buttons = [...document.querySelectorAll("[data-tool]")];
  const hint = document.getElementById("tool-hint");
  let inHand = "static";

  function take(tool) {
    inHand = tool;
    drawing.use(DRAWING.includes(tool) ? tool : "static");
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    hint.textContent = say(...HINTS[tool]);
  }

  for (const button of buttons) button.addEventListener("click", () => take(button.dataset.tool));
  map.on("click", (event) => {
    if (inHand !== "pick") return;
    const [found] = map.queryRenderedFeatures(event.point, { layers: ["districts"] }).concat(
      map.queryRenderedFeatures(event.point, { layers: ["municipalities"] }),
    );
    if (found) picked(found.properties.part, found.properties.name);
  });
  take("static");
  // A drawn shape is set down a moment later: Terra Draw still holds the pointer when it tells that it is done.
  return { drop: drawing.drop, rest: () => setTimeout(() => take("static"), 0) };
}
