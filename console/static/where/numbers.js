// The count, written out.

import { mode, say } from "../page.js";

const CHANNELS = { line: ["LINE", "LINE"], sms: ["SMS", "SMS"], email: ["メール", "E-mail"] };
const MOST_SHELTERS = 5;
const QUIET_MS = 900;
const $ = (id) => document.getElementById(id);
let speaking;

export const number = (people) => people.toLocaleString("ja-JP");

export function showNothing() {
  $("count").hidden = true;
  $("count-problem").hidden = true;
  $("count-none").hidden = false;
  speak("");
  sum(say("区域なし", "no area"));
}

export function showProblem(sentences) {
  $("count").hidden = true;
  $("count-none").hidden = true;
  $("count-problem").hidden = false;
  $("count-problem").textContent = sentences.join(" ");
  speak(sentences.join(" "));
  sum(say("人数不明", "not counted"));
}

export function showCount(found, capacities) {
  $("count").hidden = false;
  $("count-none").hidden = true;
  $("count-problem").hidden = true;
  $("count-people").textContent = number(found.people);
  $("count-size").textContent = say(`（${found.area.square_km} km²）`, `(${found.area.square_km} km²)`);
  $("count-reached").textContent = number(found.reached);
  $("count-unreached").textContent = number(found.people - found.reached);
  $("count-unreached").parentElement.classList.toggle("figure-bad", found.people > found.reached);
  $("count-drill").textContent = found.drill === null ? "" : drillSentence(found.drill);
  rows("count-channels", Object.entries(found.channels).map(([name, people]) => [channel(name), [number(people)]]));
  rows("count-languages", found.languages.map(({ name, people }) => [name, [number(people)]]));
  showShelters(found.shelters, capacities);
  const short = say(`${number(found.people)}人（届く ${number(found.reached)}人）`, `${number(found.people)} people, ${number(found.reached)} reached`);
  sum(mode() === "drill" && found.drill !== null ? `${short}${say("、", "; ")}${drillSentence(found.drill)}` : short);
  speak(say(`区域内に${number(found.people)}人、届くのは${number(found.reached)}人`, `${number(found.people)} people inside, ${number(found.reached)} are reached`));
}

function drillSentence(people) {
  return say(`訓練が届くのは${number(people)}人`, `the drill reaches ${number(people)}`);
}

function showShelters(shelters, capacities) {
  const shown = shelters.slice(0, MOST_SHELTERS).map(({ id, name, people }) => [name, load(people, capacities.get(id))]);
  if (shelters.length > MOST_SHELTERS) {
    const rest = shelters.slice(MOST_SHELTERS).reduce((people, each) => people + each.people, 0);
    shown.push([say(`ほか${shelters.length - MOST_SHELTERS}か所`, `${shelters.length - MOST_SHELTERS} more`), [number(rest)]]);
  }
  if (!shown.length) shown.push([say("開設中の避難所がありません", "No shelter is open"), [""]]);
  rows("count-shelters", shown);
}

function load(people, capacity) {
  if (!capacity) return [number(people)];
  const over = people > capacity ? say(" 超過", " over") : "";
  return [`${number(people)} / ${number(capacity)}${over}`, over ? "over" : ""];
}

function channel(name) {
  const known = CHANNELS[name];
  return known ? say(...known) : name;
}

function rows(id, entries) {
  $(id).replaceChildren(
    ...entries.map(([label, [text, kind]]) => {
      const row = document.createElement("tr");
      const head = document.createElement("th");
      const cell = document.createElement("td");
      head.scope = "row";
      head.textContent = label;
      cell.textContent = text;
      if (kind) cell.className = kind;
      row.append(head, cell);
      return row;
    }),
  );
}

function sum(text) {
  $("go-sum").textContent = text;
}

// Numbers that change ten times a second are read out once they rest.
function speak(text) {
  clearTimeout(speaking);
  speaking = setTimeout(() => ($("count-spoken").textContent = text), QUIET_MS);
}
