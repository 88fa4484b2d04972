// The page renders on the server and htmx swaps what changed; this says only whether it is live.
"use strict";

const WORDS = {
  live: "Live",
  waiting: "Connection lost, trying again",
};

function say(state) {
  const feed = document.getElementById("feed");
  if (!feed?.hasAttribute("hx-sse:connect") || feed.dataset.state === state) return;
  feed.dataset.state = state;
  feed.querySelector(".feed-text").textContent = WORDS[state];
}

document.addEventListener("htmx:sse:after:connection", () => say("live"));
document.addEventListener("htmx:sse:error", () => say("waiting"));
document.addEventListener("htmx:sse:close", () => say("waiting"));
