/** @import { Sample } from "../src/page/messages.ts" */
import uPlot from "uplot";

import { byId, copyTemplate, span } from "./part.js";

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {string} colour  a class that sets `background-color`
 * @property {(sample: Sample) => number} value
 */

/**
 * Time windows in seconds. The first that holds all samples is used, so that a new playground's lines fill the chart.
 */
const windows = [60, 120, 180];
const longestWindow = 180;
const plotHeight = 150;
/** These are counts, so no axis has fractions. */
const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
const leastTop = 4;
const stepped = uPlot.paths.stepped?.({ align: 1 });
const steppedPaths = stepped ? { paths: stepped } : {};
const targetColours = ["blue", "violet", "amber", "teal"];
const darkness = matchMedia("(prefers-color-scheme: dark)");

/** @type {Sample[]} */
let samples = [];
/** @type {(() => void)[]} */
let redraws = [];
const sizes = new ResizeObserver(() => redraw());
darkness.addEventListener("change", () => redraw());

/**
 * @param {readonly string[]} targets their names, in the samples' order
 * @param {readonly Sample[]} past
 */
export function startCharts(targets, past) {
  samples = [...past];
  sizes.disconnect();
  /** @param {"replicas" | "queueLengths"} figure @returns {Line[]} */
  const perTarget = (figure) =>
    targets.map((name, index) => ({
      name,
      colour: targetColours[index % targetColours.length] ?? "",
      value: (sample) => sample[figure][index] ?? 0,
    }));
  const charts = [
    makeChart("Requests", [
      { name: "held", colour: "amber", value: ({ held }) => sum(held) },
      { name: "in flight", colour: "teal", value: ({ inFlight }) => sum(inFlight) },
    ]),
    makeChart("Replicas", perTarget("replicas")),
    makeChart("Queue length", perTarget("queueLengths")),
  ];
  byId("charts").replaceChildren(...charts.map(({ element }) => element));
  redraws = charts.map((chart) => chart.redraw);
  for (const { plot } of charts) sizes.observe(plot);
  redraw();
}

/** @param {Sample} sample */
export function addSample(sample) {
  samples.push(sample);
  if (samples.length > longestWindow + 1) samples.shift();
  redraw();
}

/** @param {number} seconds from the oldest sample to the newest */
function windowFor(seconds) {
  return windows.find((candidate) => candidate >= seconds) ?? longestWindow;
}

/** @param {number} seconds */
function ago(seconds) {
  if (seconds === 0) return "now";
  return seconds % 60 === 0 ? `\u2212${seconds / 60} min` : `\u2212${seconds} s`;
}

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function redraw() {
  for (const draw of redraws) draw();
}

/**
 * @param {string} title
 * @param {readonly Line[]} lines
 */
function makeChart(title, lines) {
  const { element, field } = copyTemplate("chart");
  const plot = field("plot");
  field("title").textContent = title;
  const legend = lines.map(({ name, colour }) => {
    const swatch = span(`swatch ${colour}`);
    const value = span("value", "0");
    const item = span("item");
    item.append(swatch, `${name} `, value);
    return { item, swatch, value };
  });
  field("legend").replaceChildren(...legend.map(({ item }) => item));

  const chart = new uPlot(
    {
      width: 1,
      height: plotHeight,
      padding: [8, 16, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: "minutes" }, points: { size: 7 } },
      scales: {
        x: { time: false, range: (_, oldest, newest) => [newest - windowFor(newest - oldest), newest] },
        y: { range: (_, __, highest) => [0, Math.max(leastTop, highest * 1.1)] },
      },
      axes: [
        {
          ...axisOf(plot),
          size: 22,
          splits: (_, __, from, to) => [0, 1, 2, 3].map((third) => from + ((to - from) * third) / 3),
          values: (_, splits) => splits.map((at) => ago(Math.round((splits.at(-1) ?? at) - at))),
        },
        { ...axisOf(plot), size: 34, incrs: steps, space: 34 },
      ],
      series: [
        {},
        ...lines.map((_, index) => ({
          stroke: () => (legend[index] ? getComputedStyle(legend[index].swatch).backgroundColor : "gray"),
          width: 2,
          ...steppedPaths,
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [({ cursor }) => showValues(cursor.idx ?? undefined)] },
    },
    [[], ...lines.map(() => [])],
    plot,
  );

  /** @param {number | undefined} index of the sample under the cursor; the newest without one */
  const showValues = (index) => {
    const sample = samples[index ?? samples.length - 1];
    if (!sample) return;
    lines.forEach(({ value }, line) => {
      const item = legend[line];
      if (item) item.value.textContent = String(value(sample));
    });
    plot.ariaLabel = `${title} over the last minutes, now: ${lines.map(({ name, value }) => `${name} ${value(samples.at(-1) ?? sample)}`).join(", ")}`;
  };
  const draw = () => {
    if (plot.clientWidth > 0 && plot.clientWidth !== chart.width) {
      chart.setSize({ width: plot.clientWidth, height: plotHeight });
    }
    chart.setData([samples.map(({ atMs }) => atMs / 1000), ...lines.map(({ value }) => samples.map(value))]);
    showValues(chart.cursor.idx ?? undefined);
  };
  return { element, plot, redraw: draw };
}

/**
 * Text and line colours from the style sheet, read again for every redraw.
 *
 * @param {HTMLElement} plot
 */
function axisOf(plot) {
  const grid = () => getComputedStyle(plot).borderTopColor;
  return {
    stroke: () => getComputedStyle(plot).color,
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
  };
}
