/** @import { Now } from "../src/page/messages.ts" */
import { disableUnavailable, disableWhileGone, sayOutcome, showGone, startButtons } from "./buttons.js";
import { addSample, startCharts } from "./charts.js";
import { showColdStart, startColdStarts } from "./cold-starts.js";
import { connect } from "./connection.js";
import { moveInDiagram, passInDiagram, showInDiagram, startDiagram } from "./diagram.js";
import { addNews, startNews } from "./news.js";
import { byId, copyTemplate } from "./part.js";
import { showTargets } from "./targets.js";
import { describeTerm, startTerms } from "./terms.js";

let startCommand = "pnpm demo";

startTerms();
startButtons();
connect(
  {
    snapshot(snapshot) {
      startCommand = snapshot.startCommand;
      showConnection("live");
      byId("gateway").textContent = snapshot.gatewayUrl;
      disableUnavailable(snapshot.unavailable);
      startDiagram(snapshot.now, snapshot.coldStarts);
      showNow(snapshot.now);
      startCharts(
        snapshot.now.targets.map(({ name }) => name),
        snapshot.samples,
      );
      startColdStarts(snapshot.coldStarts, snapshot.atMs);
      startNews(snapshot.news);
    },
    now(now) {
      showNow(now);
      showInDiagram(now);
    },
    sample(sample) {
      addSample(sample);
      passInDiagram(sample);
    },
    "cold-start"(coldStart) {
      showColdStart(coldStart);
      moveInDiagram(coldStart);
    },
    news(news) {
      addNews(news);
      if (news.outcomeOf !== undefined) sayOutcome(news.outcomeOf, news.text, news.tone === "bad");
    },
  },
  () => showConnection("gone"),
);

/** @param {Now} now */
function showNow({ sidecar, targets }) {
  const { description, isRunning } = sidecar;
  showSidecar(isRunning ? description : "stopped");
  byId("sidecar").classList.toggle("bad", !isRunning);
  byId("turn-sidecar").textContent = isRunning ? "Stop the sidecar" : "Start the sidecar";
  byId("turn-effect").textContent = isRunning ? "no wake message gets out" : "wake messages get out again";
  showTargets(targets);
}

/** "Stand-in" has an explanation. @param {string} text */
function showSidecar(text) {
  if (byId("sidecar").textContent === text) return;
  const standIn = copyTemplate("stand-in").element;
  describeTerm(standIn);
  const [before = "", ...after] = text.split("stand-in");
  byId("sidecar").replaceChildren(before, ...after.flatMap((part) => [standIn, part]));
}

/** @param {"live" | "gone"} state */
function showConnection(state) {
  const isGone = state === "gone";
  if (isGone && document.body.dataset["connection"] === "gone") return;
  document.body.dataset["connection"] = state;
  byId("connection").textContent = state;
  showGone(isGone ? startCommand : undefined);
  disableWhileGone(isGone);
}
