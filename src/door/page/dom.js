/** Small tools for the document: elements, texts that change only when they differ, and lists keyed by id. */

/**
 * The element of the page with this id.
 * @param {string} id
 */
export const byId = (id) => {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
};

/**
 * A new element. Attributes with the value `undefined`, `null` or `false` are left out; `on…` are listeners. Children are nodes or texts, so
 * nothing that an agent wrote is ever taken for markup.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets a text only when it differs, so that a selection in it survives. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * Makes the children of `list` those of `items`, in their order. An element stays the same for as long as its key is there, and is moved only
 * when the order changed: focus and selection stay where they are.
 */
export function keyed(list, items, { key, create, update }) {
  const held = new Map([...list.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const name = key(item);
    let element = held.get(name);
    if (element === undefined) {
      element = create(item);
      element.dataset.key = name;
    }
    held.delete(name);
    update(element, item);
    if (list.children[index] !== element) list.insertBefore(element, list.children[index] ?? null);
  });
  for (const gone of held.values()) gone.remove();
}

/** A part of a card that `update` finds again. */
export const part = (element, name) => element.querySelector(`[data-part="${name}"]`);

/** Shows a text in a part, or hides the part when there is none. */
export function showPart(element, name, text) {
  const found = part(element, name);
  setText(found, text ?? '');
  found.hidden = text === null || text === undefined || text === '';
}

/** `3fa9c1d2-12` */
export const shortId = (id) => `${id.slice(0, 8)}${id.slice(32)}`;

/** How long ago, in one word. */
export function ago(date, nowMs = Date.now()) {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(date)) / 1000));
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return date.slice(0, 10);
}
