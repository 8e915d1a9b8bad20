/** The gap to the explained word and to the window's edges. */
const gap = 8;

/** Places each explanation below its word. The browser itself opens and closes them, on a click, a key or a touch. */
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

/** Makes screen readers read the explanation with its word. @param {Element} term */
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
