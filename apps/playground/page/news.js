/** @import { News } from "../src/page/messages.ts" */
import { timeOfDay } from "./format.js";
import { byId, span } from "./part.js";

const most = 60;

/** @param {readonly News[]} past oldest first */
export function startNews(past) {
  byId("news").replaceChildren(...past.map(toItem).toReversed());
}

/** @param {News} news */
export function addNews(news) {
  const list = byId("news");
  list.prepend(toItem(news));
  while (list.childElementCount > most) list.lastElementChild?.remove();
}

/** @param {News} news */
function toItem({ atMs, text, tone, isOutcome }) {
  const item = document.createElement("li");
  item.className = isOutcome ? `${tone} outcome` : tone;
  item.append(span("when", timeOfDay(atMs)), span("what", text));
  return item;
}
