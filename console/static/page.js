// What every page does: the token with every request, and drill or live.

const root = document.documentElement;

export function say(ja, en) {
  return root.lang === "en" ? en : ja;
}

export function mode() {
  return root.dataset.mode ?? "drill";
}

export function token() {
  return document.querySelector('meta[name="token"]')?.content ?? "";
}

function sendToken(event) {
  if (token()) event.detail.headers["X-Todoke-Token"] = token();
}

// A click goes to the drill at once; to live only past a question whose first answer is to stay.
function armModes(choice, question) {
  const drill = choice.querySelector('[value="drill"]');
  const live = choice.querySelector('[value="live"]');
  choice.addEventListener("change", () => {
    if (!live.checked) return take("drill");
    drill.checked = true;
    question.showModal();
  });
  question.addEventListener("click", (event) => {
    const answer = event.target.closest("button")?.value;
    if (answer) question.close(answer);
  });
  question.addEventListener("close", () => {
    const goes = question.returnValue === "live";
    question.returnValue = "";
    (goes ? live : drill).checked = true;
    take(goes ? "live" : "drill");
    (goes ? live : drill).focus();
  });
  take(live.checked ? "live" : "drill");
}

function take(chosen) {
  root.dataset.mode = chosen;
  const word = chosen === "live" ? say("【本番】", "[LIVE] ") : say("【訓練】", "[DRILL] ");
  document.title = word + document.title.replace(/^【(本番|訓練)】|^\[(LIVE|DRILL)\] /, "");
  const icon = document.querySelector('link[rel="icon"]');
  icon.href = icon.href.replace(/[a-z]+\.svg$/, `${chosen}.svg`);
  for (const each of document.querySelectorAll(".mode-word")) each.textContent = word.trim();
  document.dispatchEvent(new CustomEvent("todoke:mode", { detail: chosen }));
}

document.body.addEventListener("htmx:configRequest", sendToken);
const choice = document.getElementById("mode-choice");
if (choice) armModes(choice, document.getElementById("going-live"));
