// A page that is not told anything for a while says so: figures that stand still look like figures that are true.

import { say } from "../page.js";

const PATIENCE_MS = 12_000;
const old = document.getElementById("old");
let heard = Date.now();
let over = false;

function clock(at) {
  return new Date(at).toLocaleTimeString("ja-JP", { hour12: false, timeZone: "Asia/Tokyo" });
}

function look() {
  const late = !over && Date.now() - heard > PATIENCE_MS;
  if (old.hidden !== late) return;
  old.hidden = !late;
  old.textContent = late
    ? say(`この画面の数字は ${clock(heard)} のものです。つながりを確かめています。`, `These figures are from ${clock(heard)}. Trying to reach the server.`)
    : "";
}

document.body.addEventListener("htmx:sseMessage", () => {
  heard = Date.now();
  look();
});
document.body.addEventListener("htmx:sseClose", (event) => {
  over = event.detail.type === "message";
});
setInterval(look, 1000);
