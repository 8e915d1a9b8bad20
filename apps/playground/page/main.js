/** @import { Now } from "../src/page/messages.ts" */
import { say, startButtons } from "./buttons.js";
import { addSample, startCharts } from "./charts.js";
import { addColdStart, startColdStarts } from "./cold-starts.js";
import { connect } from "./connection.js";
import { addNews, startNews } from "./news.js";
import { byId } from "./part.js";
import { showTargets } from "./targets.js";

startButtons();
connect(
  {
    snapshot(snapshot) {
      showConnection("live", "live");
      byId("gateway").textContent = snapshot.gatewayUrl;
      showNow(snapshot.now);
      startCharts(
        snapshot.now.targets.map(({ name }) => name),
        snapshot.samples,
      );
      startColdStarts(snapshot.coldStarts);
      startNews(snapshot.news);
    },
    now: showNow,
    sample: addSample,
    "cold-start": addColdStart,
    news(news) {
      addNews(news);
      if (news.isOutcome) say(news.text, news.tone === "bad");
    },
  },
  () => showConnection("gone", "gone"),
);

/** @param {Now} now */
function showNow({ sidecar, targets }) {
  const { description, isRunning } = sidecar;
  byId("sidecar").textContent = isRunning ? description : "stopped";
  byId("sidecar").classList.toggle("bad", !isRunning);
  byId("turn-sidecar").textContent = isRunning ? "Stop the sidecar" : "Start the sidecar";
  showTargets(targets);
}

/**
 * @param {"live" | "gone"} state
 * @param {string} text
 */
function showConnection(state, text) {
  document.body.dataset["connection"] = state;
  byId("connection").textContent = text;
  const isGone = state === "gone";
  byId("gone").hidden = !isGone;
  // Said once, when it goes; what it says must not be there before.
  const sentence = "The playground is gone. This page looks for it every second and goes on when it is back.";
  byId("gone").textContent = isGone ? sentence : "";
}
