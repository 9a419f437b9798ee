// The area of an order on a map, to be looked at.

const element = document.getElementById("map");

async function show() {
  try {
    const { openMap, showChosen, bringIntoView } = await import("../where/map.js");
    const [map, answer] = await Promise.all([openMap(element), fetch(element.dataset.area)]);
    if (!answer.ok) throw new Error(`${element.dataset.area}: ${answer.status}`);
    const { geometry, bounds } = await answer.json();
    showChosen(map, geometry);
    bringIntoView(map, bounds);
    element.dataset.ready = "yes";
  } catch (error) {
    console.error(error);
    element.hidden = true;
    document.getElementById("map-missing").hidden = false;
  }
}

if (element) await show();
