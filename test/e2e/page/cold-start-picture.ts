import { restingPlace, wide as layout } from "../../../apps/playground/page/diagram-layout.js";
import { duration } from "../../../apps/playground/page/format.js";

export interface PictureOptions {
  /** The page's diagram without what moves: the inside of its SVG. */
  readonly diagram: string;
  /** The page's style sheets. */
  readonly styles: { readonly page: string; readonly diagram: string };
  /**
   * The bars of a cold start that the page has shown, with names and phases, in milliseconds since the request arrived.
   */
  readonly bars: readonly Bar[];
}

interface Bar {
  readonly name: string;
  readonly phase: string;
  readonly fromMs: number;
  readonly atMs: number;
}

/** A moment of the picture, in seconds, and its CSS declarations. */
type Frame = readonly [seconds: number, declarations: string];
type Point = readonly [x: number, y: number];

/** Times of the picture itself, in seconds. */
const leadSeconds = 1;
const playSeconds = 7.5;
const restSeconds = 4.5;
const lastSeconds = leadSeconds + playSeconds + restSeconds;
const waySeconds = 0.7;

const rowHeight = 23;
const chart = { left: 190, right: 600, top: layout.height + 34 };

/** The README's picture: a cold start of a real run, moving through the page's diagram while its bars grow. */
export function coldStartPicture({ diagram, styles, bars }: PictureOptions): string {
  const totalMs = bars.at(-1)?.atMs ?? 0;
  const at = (ms: number) => leadSeconds + (ms / totalMs) * playSeconds;
  const reached = (name: string) => {
    const bar = bars.find((each) => each.name === name);
    if (!bar) throw new Error(`the cold start has no step "${name}"`);
    return at(bar.atMs);
  };
  const sheet = new Sheet();
  const { request, proxy, wake, publish, poll, scale } = layout.ways;
  const held = leadSeconds;
  const published = Math.max(reached("Wake message sent"), held + 2 * waySeconds);
  const seen = Math.max(reached("Queue seen"), published);
  const scaled = seen + 2 * waySeconds;
  const ready = reached("Ready");
  const passed = Math.max(reached("Proxied"), ready) + waySeconds;
  const answered = passed + 2 * waySeconds;
  const moving = [
    sheet.token('<circle class="shape" r="8"/>', "request", [
      [held - waySeconds, request],
      [held + 0.2, [corner("gateway")]],
      [passed - waySeconds, [corner("gateway"), ...proxy]],
      [passed, []],
    ]),
    sheet.token('<path class="shape" d="M-10 -7H10V7H-10Z M-10 -7L0 1L10 -7"/>', "wake", [
      [published - 2 * waySeconds, [...wake, ...publish]],
      [published + 0.2, [corner("queue")]],
      [lastSeconds - 0.6, []],
    ]),
    sheet.token(
      '<rect class="shape" x="-20" y="-11" width="40" height="22" rx="11"/><text class="text" y="5">0\u21921</text>',
      "scale",
      [
        [seen, poll.toReversed()],
        [seen + waySeconds, scale],
        [scaled, []],
      ],
    ),
    sheet.token('<circle class="shape" r="8"/>', "answer", [
      [passed, [...proxy.toReversed(), ...request.toReversed()]],
      [answered, []],
    ]),
  ];
  const states = [
    sheet.states("client", [
      [0, "sends a request"],
      [held, "waiting"],
      [answered, `answered in ${duration(totalMs)}`],
    ]),
    sheet.states("gateway", [
      [0, "holds nothing"],
      [held, "holds 1 request"],
      [passed - waySeconds, "passes it on"],
      [answered, "holds nothing"],
    ]),
    sheet.states("sidecar", [[0, "Dapr"]]),
    sheet.states("queue", [
      [0, "empty"],
      [published, "1 message"],
    ]),
    sheet.states("keda", [
      [0, "at 0 replicas"],
      [seen, "at 1 replica"],
    ]),
    sheet.states("backend", [
      [0, "not running"],
      [scaled, "starting"],
      [ready, "ready"],
    ]),
  ];
  const boxes = [
    sheet.box("gateway", "blue", held, passed - waySeconds),
    sheet.box("queue", "violet", published, lastSeconds),
    sheet.box("keda", "amber", seen, scaled),
    sheet.box("pod", "edge", scaled, lastSeconds),
    sheet.box("backend", "teal", scaled, ready),
    sheet.box("backend", "green", ready, lastSeconds),
  ];
  const probing = sheet.shown(
    `<path class="probing" d="M${proxy.map((point) => point.join(" ")).join("L")}"/>`,
    held + 0.4,
    ready,
  );
  const rows = bars.map((bar, index) => sheet.row(bar, index, totalMs, at));
  const height = chart.top + bars.length * rowHeight + 36;
  const slower = (playSeconds / (totalMs / 1000)).toFixed(1).replace(/\.0$/, "");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.width} ${height}" role="img" aria-labelledby="title description" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif">
<title id="title">How a request wakes a service from zero</title>
<desc id="description">A client's request is held in the gateway, which sends a wake message through the sidecar to a queue. KEDA sees the message and scales the backend from zero to one. The gateway probes it until it is ready, and passes the request on. Below, the time of each step: ${bars.map(({ name, atMs }) => `${name} after ${duration(atMs)}`).join(", ")}.</desc>
<style>
${colours(styles.page)}
${styles.diagram
  .replaceAll(/\/\*[^]*?\*\//g, "")
  .replaceAll(/\n\s*\n/g, "\n")
  .trim()}
.ground { fill: var(--panel); stroke: var(--line); }
.label { font-size: 13.5px; fill: var(--text); }
.note { font-size: 13px; fill: var(--muted); }
.end { text-anchor: end; }
.track { fill: var(--faint); }
.hold { fill: var(--blue); }
.wake { fill: var(--violet); }
.scale { fill: var(--amber); }
.start { fill: var(--teal); }
.answer { fill: var(--green); }
#diagram .probing { fill: none; stroke: var(--teal); stroke-width: 2; stroke-dasharray: 3 7; }
.bar { transform-box: fill-box; transform-origin: left; }
.moving, .moment { opacity: 0; }
${sheet.css}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; } }
</style>
<rect class="ground" x="0.5" y="0.5" width="${layout.width - 1}" height="${height - 1}" rx="12"/>
<g id="diagram" font-size="14">
${diagram}
${[...boxes, probing, ...states, ...moving].join("\n")}
</g>
${rows.join("\n")}
<text class="note" x="24" y="${height - 16}">A cold start in the playground, shown ${slower} times slower than it was.</text>
</svg>
`;
}

/** The parts of the picture that change, each with its own animation, all equally long. */
class Sheet {
  readonly #rules: string[] = [];

  get css(): string {
    return this.#rules.join("\n");
  }

  /** Moves along the points of each leg until the next one begins; hidden during a leg without points. */
  token(
    shape: string,
    kind: string,
    legs: readonly (readonly [seconds: number, points: readonly Point[]])[],
  ): string {
    const first = legs[0]?.[0] ?? 0;
    const frames: Frame[] = [
      [0, "opacity: 0"],
      [first - 0.001, "opacity: 0"],
    ];
    let place = "";
    legs.forEach(([seconds, points], leg) => {
      const until = legs[leg + 1]?.[0] ?? seconds;
      // If a leg has one point, it goes there at once.
      if (place !== "" && points.length !== 1) frames.push([seconds - 0.001, `opacity: 1; ${place}`]);
      const shares = sharesOf(points);
      points.forEach((point, index) => {
        place = `transform: ${translate(point)}`;
        const passed = points.length === 1 ? 0 : (shares[index] ?? 0) * (until - seconds - 0.002);
        frames.push([seconds + passed, `opacity: 1; ${place}`]);
      });
      if (points.length === 0) frames.push([seconds, `opacity: 0; ${place}`]);
    });
    return `<g class="token ${kind} moving ${this.#animate(frames)}">${shape}</g>`;
  }

  /** A part's text over time; the last one is shown with reduced motion. */
  states(
    part: keyof typeof layout.parts,
    words: readonly (readonly [seconds: number, text: string])[],
  ): string {
    const { x, y, width, height } = layout.parts[part];
    return words
      .map(([seconds, text], index) => {
        const until = words[index + 1]?.[0] ?? lastSeconds;
        const element = `<text class="state" x="${x + width / 2}" y="${y + height / 2 + 16}">${text}</text>`;
        if (words.length === 1) return element;
        return this.shown(element, seconds, until, index === words.length - 1);
      })
      .join("");
  }

  box(part: keyof typeof layout.parts, colour: string, from: number, until: number): string {
    const { x, y, width, height } = layout.parts[part];
    const box = `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="10" fill="none" stroke="var(--${colour})" stroke-width="2"/>`;
    return this.shown(box, from, until, until === lastSeconds);
  }

  shown(element: string, from: number, until: number, isLast = false): string {
    const frames: Frame[] = [];
    if (from > 0) frames.push([0, "opacity: 0"], [from - 0.001, "opacity: 0"]);
    frames.push([from, "opacity: 1"], [until - 0.001, "opacity: 1"]);
    if (until < lastSeconds) frames.push([until, "opacity: 0"]);
    return `<g class="${isLast ? "" : "moment "}${this.#animate(frames)}">${element}</g>`;
  }

  row(
    { name, phase, fromMs, atMs }: Bar,
    index: number,
    totalMs: number,
    at: (ms: number) => number,
  ): string {
    const width = chart.right - chart.left;
    const y = chart.top + index * rowHeight;
    const growth = this.#animate([
      [0, "transform: scaleX(0)"],
      [at(fromMs), "transform: scaleX(0)"],
      [at(atMs), "transform: scaleX(1)"],
    ]);
    const words = this.#animate([
      [0, "opacity: 0"],
      [at(fromMs) - 0.001, "opacity: 0"],
      [at(fromMs) + 0.2, "opacity: 1"],
    ]);
    const barWidth = Math.max(2, ((atMs - fromMs) / totalMs) * width);
    return `<rect class="track" x="${chart.left}" y="${y}" width="${width}" height="9" rx="3"/>
<rect class="bar ${phase} ${growth}" x="${round(chart.left + (fromMs / totalMs) * width)}" y="${y}" width="${round(barWidth)}" height="9"/>
<g class="${words}"><text class="label" x="24" y="${y + 9}">${name}</text><text class="label end" x="676" y="${y + 9}">+${duration(atMs - fromMs)}</text><text class="note end" x="736" y="${y + 9}">${duration(atMs)}</text></g>`;
  }

  /** The class of an animation with these frames. */
  #animate(frames: readonly Frame[]): string {
    const name = `a${this.#rules.length}`;
    const steps = frames.map(
      ([seconds, declarations]) => `${round((100 * seconds) / lastSeconds)}% { ${declarations}; }`,
    );
    const [, last = ""] = frames.at(-1) ?? [];
    this.#rules.push(
      `.${name} { animation: ${name} ${lastSeconds}s linear infinite; } @keyframes ${name} { ${steps.join(" ")} 100% { ${last}; } }`,
    );
    return name;
  }
}

/** Where a token rests on the page. */
function corner(part: keyof typeof layout.parts): Point {
  return restingPlace(layout.parts[part]);
}

/** The fraction of the path covered at each point. */
function sharesOf(points: readonly Point[]): number[] {
  let gone = 0;
  const sums = points.map(([x, y], index) => {
    const [fromX, fromY] = points[index - 1] ?? [x, y];
    gone += Math.hypot(x - fromX, y - fromY);
    return gone;
  });
  return sums.map((sum) => sum / (gone || 1));
}

function translate([x, y]: Point): string {
  return `translate(${x}px, ${y}px)`;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** The page's colours for the picture's own themes, since not every image viewer supports `light-dark()`. */
function colours(style: string): string {
  const pairs = [...style.matchAll(/(--[\w-]+): light-dark\(([^,]+), ([^)]+)\);/g)];
  const theme = (index: 2 | 3) => pairs.map((pair) => `${pair[1]}: ${pair[index]};`).join(" ");
  return `svg { ${theme(2)} }\n@media (prefers-color-scheme: dark) { svg { ${theme(3)} } }`;
}
