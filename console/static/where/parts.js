// The parts of the area, whichever way they were given, and their list.

import { say } from "../page.js";

const TOOLS = { polygon: ["多角形", "polygon"], rectangle: ["四角形", "rectangle"], circle: ["円", "circle"] };

export function keyOf(part) {
  return "district" in part ? `district:${part.district}` : "code" in part ? `code:${part.code}` : JSON.stringify(part);
}

export class Parts {
  #parts = new Map();
  #list;
  #none;
  #field;
  #changed;
  #dropped;

  // `changed` after every change; `dropped(key)` when one was taken away in the list.
  constructor({ list, none, field, changed, dropped }) {
    this.#list = list;
    this.#none = none;
    this.#field = field;
    this.#changed = changed;
    this.#dropped = dropped;
  }

  get all() {
    return [...this.#parts.values()].map(({ part }) => part);
  }

  has(key) {
    return this.#parts.has(key);
  }

  put(key, part, name) {
    this.#parts.set(key, { part, name });
    this.#show();
  }

  drop(key) {
    if (this.#parts.delete(key)) this.#show();
  }

  // What is drawn takes the place of all that was drawn before.
  draw(polygons) {
    for (const key of [...this.#parts.keys()]) {
      if (key.startsWith("drawn:") && !polygons.has(key.slice("drawn:".length))) this.#parts.delete(key);
    }
    for (const [id, { geometry, tool }] of polygons) {
      this.#parts.set(`drawn:${id}`, { part: geometry, name: say(`描いた${TOOLS[tool][0]}`, `drawn ${TOOLS[tool][1]}`) });
    }
    this.#show();
  }

  #show() {
    this.#field.value = JSON.stringify(this.all);
    this.#none.hidden = this.#parts.size > 0;
    this.#list.replaceChildren(...[...this.#parts].map(([key, { name }]) => this.#item(key, name)));
    this.#changed();
  }

  #item(key, name) {
    const item = document.createElement("li");
    const label = document.createElement("span");
    const button = document.createElement("button");
    label.textContent = name;
    button.type = "button";
    button.textContent = say("外す", "Remove");
    button.setAttribute("aria-label", say(`${name}を外す`, `Remove ${name}`));
    button.addEventListener("click", () => {
      this.#dropped(key);
      this.drop(key);
      (this.#list.querySelector("button") ?? document.getElementById("chosen-title")).focus();
    });
    item.append(label, button);
    return item;
  }
}
