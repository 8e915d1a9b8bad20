/** @import { News } from "../src/page/messages.ts" */
import { timeOfDay } from "./format.js";
import { byId, span } from "./part.js";

const most = 60;

/** @type {Map<number, HTMLElement>} */
let items = new Map();

/** @param {readonly News[]} past oldest first */
export function startNews(past) {
  items = new Map();
  byId("news").replaceChildren();
  for (const news of past) addNews(news);
}

/** @param {News} news */
export function addNews(news) {
  const list = byId("news");
  const item = toItem(news);
  const before = items.get(news.id);
  items.set(news.id, item);
  if (before) before.replaceWith(item);
  else list.prepend(item);
  if (items.size <= most) return;
  list.lastElementChild?.remove();
  const [oldest] = items.keys();
  if (oldest !== undefined) items.delete(oldest);
}

/** @param {News} news */
function toItem({ atMs, text, tone, count, outcomeOf }) {
  const item = document.createElement("li");
  item.className = outcomeOf === undefined ? tone : `${tone} outcome`;
  const what = span("what", text);
  if (count > 1) what.append(" ", span("count", `${count} times`));
  item.append(span("when", timeOfDay(atMs)), what);
  return item;
}
