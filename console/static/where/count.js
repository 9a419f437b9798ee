// How many people an area holds. A newer question takes the place of the one under way; no more than one every 80 ms.

import { say, token } from "../page.js";

const BETWEEN_MS = 80;

export function openCounting(url, answered, refused) {
  let asked = 0;
  let timer;
  let underWay = new AbortController();

  function ask(question) {
    clearTimeout(timer);
    timer = setTimeout(() => send(question), Math.max(0, asked + BETWEEN_MS - performance.now()));
  }

  function cancel() {
    clearTimeout(timer);
    underWay.abort();
  }

  async function send(question) {
    underWay.abort();
    underWay = new AbortController();
    asked = performance.now();
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Todoke-Token": token() },
        body: JSON.stringify(question),
        signal: underWay.signal,
      });
      if (answer.ok) return answered(await answer.json(), question);
      const body = answer.status === 422 ? await answer.json() : {};
      refused(body.errors?.map((problem) => say(problem.ja, problem.en)) ?? [unknown()]);
    } catch (error) {
      if (error.name !== "AbortError") refused([unknown()]);
    }
  }

  return { ask, cancel };
}

function unknown() {
  return say(
    "人数を数えられません。通信を確かめてから、区域を選び直してください。",
    "The people cannot be counted. Check the connection, then choose the area again.",
  );
}
