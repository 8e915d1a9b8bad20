/**
 * Copies a template's element; its parts are found by their `data-field`.
 *
 * @param {string} id
 * @returns {{ element: HTMLElement, field: (name: string) => HTMLElement }}
 */
export function copyTemplate(id) {
  const template = /** @type {HTMLTemplateElement} */ (byId(id));
  const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const element = /** @type {HTMLElement} */ (copy.firstElementChild);
  /** @param {string} name */
  const field = (name) => {
    const found = element.querySelector(`[data-field="${name}"]`);
    if (found instanceof HTMLElement) return found;
    throw new Error(`template ${id} has no field ${name}`);
  };
  return { element, field };
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (found) return found;
  throw new Error(`the page has no element ${id}`);
}

/**
 * @param {string} className
 * @param {string} [text]
 */
export function span(className, text = "") {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}
