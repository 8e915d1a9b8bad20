/** The gap to the word that is explained, and to the edges of the window. */
const gap = 8;

/** Opens each explanation below its word. The browser itself opens and closes them: by click, key, touch, or elsewhere. */
export function startTerms() {
  /** @type {HTMLElement | undefined} */
  let word;
  document.addEventListener(
    "click",
    ({ target }) => {
      const clicked = target instanceof Element ? target.closest("button.term") : undefined;
      if (clicked instanceof HTMLElement) word = clicked;
    },
    { capture: true },
  );
  for (const explanation of document.querySelectorAll("#terms > [popover]")) {
    explanation.addEventListener("toggle", () => {
      if (word && explanation instanceof HTMLElement && explanation.matches(":popover-open"))
        place(explanation, word);
    });
  }
  for (const term of document.querySelectorAll("button.term")) describeTerm(term);
}

/** Screen readers read a word's explanation with it. @param {Element} term */
export function describeTerm(term) {
  term.setAttribute("aria-describedby", term.getAttribute("popovertarget") ?? "");
}

/** @param {HTMLElement} explanation @param {HTMLElement} word */
function place(explanation, word) {
  const { left, bottom } = word.getBoundingClientRect();
  const rightmost = document.documentElement.clientWidth - explanation.offsetWidth - gap;
  explanation.style.left = `${scrollX + Math.max(gap, Math.min(left, rightmost))}px`;
  explanation.style.top = `${scrollY + bottom + gap}px`;
}
