// The ways that need no map: by name, by point and radius, by GeoJSON.

import { say } from "../page.js";
import { keyOf } from "./parts.js";

const $ = (id) => document.getElementById(id);
const MOST_BYTES = 1 << 20;

export function openWays(parts) {
  const boxes = new Map([...document.querySelectorAll('input[name="pick"]')].map((box) => [keyOf(JSON.parse(box.value)), box]));

  function tick(box) {
    const part = JSON.parse(box.value);
    if (box.checked) parts.put(keyOf(part), part, box.nextElementSibling.textContent);
    else parts.drop(keyOf(part));
  }

  function untick(key) {
    if (boxes.has(key)) boxes.get(key).checked = false;
  }

  function toggle(part, name) {
    const box = boxes.get(keyOf(part));
    if (box) {
      box.checked = !box.checked;
      return tick(box);
    }
    if (parts.has(keyOf(part))) parts.drop(keyOf(part));
    else parts.put(keyOf(part), part, name);
  }

  function take(part, key) {
    if (boxes.has(key)) {
      boxes.get(key).checked = true;
      return tick(boxes.get(key));
    }
    parts.put(key, part, nameOf(part));
  }

  function addCircle() {
    const [lat, lon, radius] = ["lat", "lon", "radius"].map((id) => Number($(id).value.normalize("NFKC").replace(",", "")));
    if (![lat, lon, radius].every(Number.isFinite) || !$("lat").value || !$("lon").value || radius <= 0) {
      return complain(say("緯度・経度・半径を数字で入れてください。例：34.6004、133.7004、800", "Give latitude, longitude and radius as numbers, such as 34.6004, 133.7004, 800."));
    }
    settle();
    const part = { point: [lon, lat], radius_m: radius };
    parts.put(keyOf(part), part, nameOf(part));
  }

  async function addGeojson() {
    const [file] = $("geojson-file").files;
    if (file?.size > MOST_BYTES) return complain(say("ファイルが1 MiBを超えています。形を簡単にしてください。", "The file is over 1 MiB; simplify the shape."));
    const text = file ? await file.text() : $("geojson").value;
    try {
      const part = JSON.parse(text);
      if (typeof part?.type !== "string") throw new SyntaxError("no type");
      settle();
      parts.put(keyOf(part), part, file?.name ?? nameOf(part));
    } catch {
      return complain(say("GeoJSON として読めません。{ で始まる多角形の GeoJSON を、全部貼り付けてください。", "This is no GeoJSON. Paste the whole of a polygon's GeoJSON, from its first { on."));
    }
    $("geojson").value = "";
    $("geojson-file").value = "";
  }

  function filter() {
    const wanted = $("filter").value.normalize("NFKC").trim();
    for (const [, box] of boxes) box.closest("li").hidden = !box.nextElementSibling.textContent.normalize("NFKC").includes(wanted);
  }

  for (const box of boxes.values()) box.addEventListener("change", () => tick(box));
  $("add-circle").addEventListener("click", addCircle);
  $("add-geojson").addEventListener("click", addGeojson);
  $("filter")?.addEventListener("input", filter);
  return { untick, toggle, take, complain };
}

function nameOf(part) {
  if ("radius_m" in part) return say(`点（${part.point[1]}, ${part.point[0]}）から${part.radius_m} m`, `${part.radius_m} m around ${part.point[1]}, ${part.point[0]}`);
  if ("width_m" in part) return say(`線に沿った幅${part.width_m} m`, `${part.width_m} m along a line`);
  return part.district ?? part.code ?? say("GeoJSON の区域", "area from GeoJSON");
}

function settle() {
  $("problems").replaceChildren();
}

// At the top of the form, where the server says what is wrong too.
function complain(sentence) {
  const notice = document.createElement("section");
  const line = document.createElement("p");
  notice.className = "notice notice-error";
  notice.setAttribute("role", "alert");
  notice.tabIndex = -1;
  line.textContent = sentence;
  notice.append(line);
  $("problems").replaceChildren(notice);
  notice.focus();
}
